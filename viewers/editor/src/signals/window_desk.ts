/** What is done with windows between page and server: edits queued, kept, sent in turn, taken back; their state is the session's. */

import { Unreachable, newClientId } from "../api/client";
import { type SignalsSession, wordsOf } from "./session";
import { type PendingEdits, type WindowSync, acknowledge, enqueue, rebase, refuse, settle, shown, startSync, statusOf } from "./window_sync";
import { type WindowEdit, type Windows, successor } from "./windows";

const RETRY_MS = 1500;

export class WindowDesk {
  private sync: WindowSync;
  /** What talks to the server about windows does so in turn, so that each knows the revisions the last one made. */
  private turn: Promise<void> = Promise.resolve();
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: SignalsSession, confirmed: Windows, private readonly key: string, private readonly storage: Storage) {
    this.sync = startSync(confirmed, this.kept());
  }

  close(): void {
    clearTimeout(this.retry);
  }

  /** Several edits are one step for undo. */
  edit(edits: readonly WindowEdit[]): void {
    this.sync = enqueue(this.sync, edits, newClientId);
    this.show();
    void this.flush();
  }

  /** Undo or redo; false where the server is away. */
  async step(what: "undo" | "redo"): Promise<boolean> {
    await this.sendAll();
    if (this.sync.queue.length) return false;
    const states = await this.session.client.step(what, newClientId());
    this.sync = { ...this.sync, confirmed: settle(this.sync.confirmed, states) };
    this.show();
    return true;
  }

  /** What others and the machine have made meanwhile. */
  async take(): Promise<void> {
    this.sync = rebase(this.sync, await this.session.client.windows());
    this.show();
  }

  flush(): Promise<void> {
    clearTimeout(this.retry);
    return this.inTurn(() => this.sendAll());
  }

  inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work).catch((error: unknown) => this.session.notify(wordsOf(error)));
    return this.turn;
  }

  async sendAll(): Promise<void> {
    const { session } = this;
    while (this.sync.queue.length) {
      try {
        const states = await session.client.send(this.sync.queue[0], this.sync.confirmed);
        const done = acknowledge(this.sync, states), { chosen } = session.state;
        this.sync = done.sync;
        if (chosen !== null && done.renamed.has(chosen)) session.update({ chosen: done.renamed.get(chosen) ?? null });
      } catch (error) {
        if (error instanceof Unreachable) {
          this.sync = { ...this.sync, online: false };
          this.retry = setTimeout(() => void this.flush(), RETRY_MS);
          return this.show();
        }
        const newer = await session.client.windows().catch(() => this.sync.confirmed);
        this.sync = refuse(this.sync, newer);
        session.notify(`not saved: ${wordsOf(error)}`);
      }
      this.show();
    }
  }

  show(): void {
    const windows = shown(this.sync), { chosen, windows: before } = this.session.state;
    if (this.sync.queue.length) this.storage.setItem(this.key, JSON.stringify(this.sync.queue));
    else this.storage.removeItem(this.key);
    this.session.update({ windows, status: statusOf(this.sync), chosen: chosen === null ? null : successor(chosen, before, windows) });
  }

  /** The edits that an earlier page could not deliver. */
  private kept(): readonly PendingEdits[] {
    try {
      return JSON.parse(this.storage.getItem(this.key) ?? "[]") as PendingEdits[];
    } catch {
      return [];
    }
  }
}
