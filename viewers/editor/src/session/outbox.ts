/** Sends edits one batch at a time, keeps them in the browser until they are durable, tries again when the server is away. */

import { ApiError, type RecordingClient, Unreachable } from "../api/client";
import { type Pending, type Sync, acknowledge, conflicted, disconnected, markSent, nextBatch, refuse } from "../state/sync";

const RETRY_MS = 1500;

export class Outbox {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> | null = null;
  private last: Promise<void> = Promise.resolve();
  /** The number of the edit up to which the labels here hold everybody's. */
  known = 0;
  /** The number of our newest edit; labels that were read before it are old. */
  newest = 0;

  constructor(
    private readonly client: RecordingClient,
    private readonly storage: Storage,
    private readonly key: string,
    private readonly read: () => Sync,
    private readonly write: (sync: Sync, renamed?: ReadonlyMap<number, number>) => void,
  ) {}

  /** The edits that an earlier page could not deliver. */
  restore(): readonly Pending[] {
    try {
      return JSON.parse(this.storage.getItem(this.key) ?? "[]") as Pending[];
    } catch {
      return [];
    }
  }

  keep(sync: Sync): void {
    const queue = [...(sync.conflict?.pending ?? []), ...sync.queue];
    if (queue.length) this.storage.setItem(this.key, JSON.stringify(queue));
    else this.storage.removeItem(this.key);
  }

  /** Resolves when everything that could be sent is. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.sending ??= this.inTurn(() => this.sendAll()).finally(() => (this.sending = null));
    return this.sending;
  }

  /** Does something else with the server when all that waits is sent; edits made meanwhile go afterwards. */
  alone(work: () => Promise<void>): Promise<void> {
    return this.inTurn(async () => {
      await this.sendAll();
      await work();
    });
  }

  /** One after another, since each changes the revisions on which the next is based. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const next = this.last.then(work);
    this.last = next.catch(() => undefined);
    return next;
  }

  /** So many edits of ours brought the log to `seq`; where others' came between, they are still to be fetched. */
  advance(seq: number, edits: number): void {
    if (seq === this.known + edits) this.known = seq;
    this.newest = Math.max(this.newest, seq);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async sendAll(): Promise<void> {
    for (let batch = nextBatch(this.read()); batch.length; batch = nextBatch(this.read()))
      if (!await this.send(batch)) return;
  }

  private async send(batch: readonly Pending[]): Promise<boolean> {
    const { confirmed } = this.read();
    const start = performance.now();
    const answer = this.client.send(batch, (track) => confirmed.get(track)?.revision ?? 0);
    this.write(markSent(this.read(), batch));
    try {
      const { states, seq } = await answer;
      performance.measure("edit durable", { start });
      this.advance(seq, batch.length);
      const done = acknowledge(this.read(), states);
      this.write(done.sync, done.renamed);
      return true;
    } catch (error) {
      if (error instanceof Unreachable) {
        this.write(disconnected(this.read()));
        this.timer = setTimeout(() => void this.flush(), RETRY_MS);
        return false;
      }
      if (error instanceof ApiError && error.status === 409) this.write(conflicted(this.read(), error.states));
      else this.write(refuse(this.read(), error instanceof Error ? error.message : String(error)));
      return true;
    }
  }
}
