/** What is done with films and sounds: load, add, play along, align; their state is the session's. */

import { Uploads } from "../pages/uploads";
import { type Medium, mediumTime } from "./media";
import type { Curve, MediaClient } from "./media_client";
import type { SignalsSession } from "./session";
import { wordsOf } from "./session";
import type { Aligning, Placing } from "./steps";
import { SECOND, panBy } from "./time_axis";

const REST_MS = 120;
const SURE = 0.15; // of the correlation before the next best

export class MediaDesk {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private frame = 0;
  /** As the server has them. */
  private readonly kept = new Map<number, Placing>();

  constructor(private readonly session: SignalsSession, readonly client: MediaClient) {}

  async load(): Promise<void> {
    const media = await this.client.all();
    media.forEach((one) => this.keep(one));
    this.session.update({ media });
    await this.draw();
  }

  async add(file: File): Promise<void> {
    await this.told(`sending ${file.name} …`, async () => {
      const [upload] = await new Uploads(this.client.client, this.client.project).send([{ path: file.name, file }]);
      if (upload === null) throw new Error(`${file.name} is empty`);
      await this.client.add(file.name, upload);
      await this.load();
    });
  }

  /** Soon after the view rests: the sounds as finely as the screen can show. */
  drawSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.draw().catch((error: unknown) => this.session.notify(wordsOf(error))), REST_MS);
  }

  private async draw(): Promise<void> {
    for (const medium of this.session.state.media.filter(({ kind }) => kind === "audio")) {
      const { view } = this.session.state, reach = (view.end - view.start) / 2;
      const [from, to] = [mediumTime(medium, view.start - reach), mediumTime(medium, view.end + reach)];
      const { waveform, length } = await this.client.waveform(medium.id, Math.max(from, 0), Math.max(to, 0.001), 2400);
      this.session.update({ waveforms: new Map(this.session.state.waveforms).set(medium.id, waveform) });
      this.knowLength(medium.id, length);
    }
  }

  knowLength(id: number, length: number): void {
    this.put(id, (medium) => ({ ...medium, length }));
  }

  put(id: number, change: (medium: Medium) => Medium): void {
    this.session.update({ media: this.session.state.media.map((one) => (one.id === id ? change(one) : one)) });
  }

  of(id: number): Medium | undefined {
    return this.session.state.media.find((one) => one.id === id);
  }

  /** Keep the alignment as it is on the screen. */
  async save(id: number, by: "hand" | "correlation" = "hand"): Promise<void> {
    const medium = this.of(id);
    if (!medium) return;
    if (this.session.state.readOnly) return this.session.notify("you may look, not edit, in this project");
    const before = this.kept.get(id);
    if (before && await this.align(medium, by)) this.session.did({ medium: id, before, after: { start: medium.start, drift: medium.drift, by } });
  }

  /** Lay it where it lay before, or again after. */
  async step({ medium: id, before, after }: Aligning, what: "undo" | "redo"): Promise<void> {
    const medium = this.of(id), { start, drift, by } = what === "undo" ? before : after;
    if (medium) await this.align({ ...medium, start, drift }, by);
  }

  private async align(medium: Medium, by: "hand" | "correlation"): Promise<boolean> {
    try {
      const saved = await this.client.align(medium, by);
      this.keep(saved);
      this.put(medium.id, ({ length }) => ({ ...saved, length }));
      return true;
    } catch (error) {
      this.session.notify(`not aligned: ${wordsOf(error)}`);
      await this.load().catch(() => undefined);
      return false;
    }
  }

  private keep({ id, start, drift, alignedBy }: Medium): void {
    this.kept.set(id, { start, drift, by: alignedBy.endsWith("correlation") ? "correlation" : "hand" });
  }

  async change(id: number, changed: Medium): Promise<void> {
    this.put(id, () => changed);
    await this.save(id);
  }

  /** By what it and the signal show of the same movement. */
  async correlate(id: number, watch: (() => Promise<Curve>) | null): Promise<void> {
    await this.told("laying it along the signal …", async () => {
      const found = await this.client.correlate(id, this.session.client.sensor, watch ? await watch() : null);
      this.put(id, (medium) => ({ ...medium, start: found.start, drift: found.drift }));
      await this.save(id, "correlation");
      const sure = found.correlation - found.runnerUp >= SURE ? "" : `; not sure: ${found.runnerUp.toFixed(2)} elsewhere`;
      this.session.notify(`aligned by correlation ${found.correlation.toFixed(2)}${sure}${found.pieces ? `, drift from ${found.pieces} pieces` : ", too short for a drift"}`);
    });
  }

  play(on: boolean): void {
    cancelAnimationFrame(this.frame);
    this.session.update({ playing: on });
    if (!on) return;
    let last = performance.now();
    const step = (now: number): void => {
      const { cursor, clock, view } = this.session.state, next = Math.min(cursor + ((now - last) / 1000) * SECOND, clock.whole.end);
      last = now;
      this.session.update({ cursor: next });
      if (next > view.end && cursor <= view.end) this.session.look(panBy(view, (view.end - view.start) * 0.9, clock.whole));
      if (next >= clock.whole.end) return this.play(false);
      this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  close(): void {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
  }

  private async told(busy: string, work: () => Promise<void>): Promise<void> {
    this.session.update({ busy });
    try {
      await work();
    } catch (error) {
      this.session.notify(wordsOf(error));
    } finally {
      if (this.session.state.busy === busy) this.session.update({ busy: null });
    }
  }
}
