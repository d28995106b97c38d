/** The REST API as the signals page uses it; times become nanoseconds after the signal's first sample. */

import { Client, newClientId } from "../api/client";
import type { Change } from "./time_axis";
import { type SignalView, decodeSignal, joined } from "./signal_view";
import { type Spectrum, decodeSpectrum } from "./spectrum";
import type { PendingEdits, ServerWindow } from "./window_sync";
import type { ActivityWindow, Span, WindowEdit, Windows, WindowState } from "./windows";

interface WindowJson {
  readonly window_id: number;
  readonly start_ns: string;
  readonly end_ns: string;
  readonly category: string;
  readonly tier: string;
  readonly sensor: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly score: number | null;
  readonly start_uncertainty_ns: string;
  readonly end_uncertainty_ns: string;
  readonly reason: string;
  readonly state: WindowState;
  readonly revision: number;
  readonly deleted: boolean;
}

export interface SignalClock {
  readonly origin: bigint;
  readonly whole: Span;
  readonly samples: number;
  readonly rate: number;
  readonly gaps: readonly Span[];
}

/** A stretch to look at next, and what it may be. */
export interface Candidate extends Span {
  readonly guess: string;
  readonly reason: string;
}

export interface Comment {
  readonly id: number;
  readonly text: string;
  readonly author: string;
  readonly resolved: boolean;
  readonly revision: number;
  readonly window: number | null;
  readonly time: number | null;
}

interface CommentJson {
  readonly comment_id: number;
  readonly text: string;
  readonly author: string;
  readonly resolved: boolean;
  readonly revision: number;
  readonly window_id: number | null;
  readonly time_ns: string | null;
}

export interface Proposed {
  readonly tags: number;
  readonly proposed: number;
  readonly unknown_s: number;
}

export class SignalsClient {
  private readonly recording: string;
  private readonly signal: string;
  origin = 0n;

  constructor(readonly client: Client, readonly project: string, readonly recordingId: string, readonly sensor: string) {
    this.recording = `/projects/${encodeURIComponent(project)}/recordings/${encodeURIComponent(recordingId)}`;
    this.signal = `${this.recording}/signals/${encodeURIComponent(sensor)}`;
  }

  async clock(): Promise<SignalClock> {
    const json = await this.client.get<{ from_ns: string; to_ns: string; samples: number; rate_hz: number; gaps: readonly [string, string][] }>(`${this.signal}/clock`);
    this.origin = BigInt(json.from_ns);
    const gaps = json.gaps.map(([start, end]) => ({ start: this.after(start), end: this.after(end) }));
    return { origin: this.origin, whole: { start: 0, end: this.after(json.to_ns) }, samples: json.samples, rate: json.rate_hz, gaps };
  }

  async view(span: Span, pixels: number, derived = false): Promise<SignalView> {
    const asked = `${this.signal}?from=${this.ns(span.start)}&to=${this.ns(span.end)}&pixels=${Math.round(pixels)}`;
    const decoded = async (path: string) => decodeSignal(await (await this.client.request(path)).arrayBuffer(), this.origin, span);
    if (!derived) return decoded(asked);
    const [own, worked] = await Promise.all([decoded(asked), decoded(`${asked}&derived=true`)]);
    return joined(own, worked);
  }

  async spectrum(channel: string, span: Span, pixels: number): Promise<Spectrum> {
    const response = await this.client.request(`${this.signal}/spectrogram?channel=${encodeURIComponent(channel)}&from=${this.ns(span.start)}&to=${this.ns(span.end)}&pixels=${Math.round(pixels)}`);
    return decodeSpectrum(await response.arrayBuffer(), this.origin);
  }

  async changes(penalty: number): Promise<Change[]> {
    const json = await this.client.get<{ time_ns: string[]; low_ns: string[]; high_ns: string[]; gain: number[] }>(`${this.signal}/changes?penalty=${penalty}`);
    return json.time_ns.map((time, i) => ({ time: this.after(time), low: this.after(json.low_ns[i]), high: this.after(json.high_ns[i]), gain: json.gain[i] }));
  }

  async windows(): Promise<Windows> {
    const json = await this.client.get<{ windows: readonly WindowJson[] }>(`${this.recording}/labels`);
    const mine = json.windows.filter(({ sensor }) => sensor === this.sensor || sensor === "" || sensor.startsWith(`${this.sensor}/`));
    return new Map(mine.map((one) => [one.window_id, this.window(one)]));
  }

  async send(pending: PendingEdits, confirmed: Windows): Promise<ServerWindow[]> {
    const batch = pending.edits.length > 1 ? { batch: pending.edits[0].clientId } : {};
    const edits = pending.edits.map(({ clientId, edit }) => ({ client_id: clientId, ...batch, ...this.request(edit, confirmed) }));
    const reply = await this.client.post<{ windows: readonly WindowJson[] }>(`${this.recording}/edits`, { edits });
    return this.states(reply.windows);
  }

  async step(what: "undo" | "redo", clientId: string): Promise<ServerWindow[]> {
    const reply = await this.client.post<{ windows: readonly WindowJson[] }>(`${this.recording}/${what}`, { client_id: clientId });
    return this.states(reply.windows);
  }

  async comments(): Promise<Comment[]> {
    const json = await this.client.get<{ comments: readonly CommentJson[] }>(`${this.recording}/labels`);
    return json.comments.map((one) => ({
      id: one.comment_id, text: one.text, author: one.author, resolved: one.resolved, revision: one.revision,
      window: one.window_id, time: one.time_ns === null ? null : this.after(one.time_ns),
    }));
  }

  async comment(text: string, time: number, window: number | null): Promise<void> {
    await this.post({ operation: "comment_create", payload: { text, time_ns: this.ns(time) }, ...(window === null ? {} : { window_id: window }) });
  }

  async resolve({ id, revision, resolved }: Comment): Promise<void> {
    await this.post({ operation: "comment_resolve", comment_id: id, base_revision: revision, payload: { resolved: !resolved } });
  }

  private async post(edit: Record<string, unknown>): Promise<void> {
    await this.client.post(`${this.recording}/edits`, { edits: [{ client_id: newClientId(), ...edit }] });
  }

  propose(): Promise<Proposed> {
    return this.client.post(`${this.signal}/proposals`);
  }

  /** Whole stretches between changes of that penalty. */
  async suggestions(count: number, penalty: number): Promise<Candidate[]> {
    const json = await this.client.get<readonly { start_ns: string; end_ns: string; reason: string; guess: string }[]>(`${this.signal}/suggestions?count=${count}&between=${penalty}`);
    return json.map(({ start_ns, end_ns, reason, guess }) => ({ start: this.after(start_ns), end: this.after(end_ns), reason, guess }));
  }

  async similar(span: Span, guess: string): Promise<Candidate[]> {
    const json = await this.client.get<readonly { start_ns: string; end_ns: string; reason: string }[]>(`${this.signal}/similar?from=${this.ns(span.start)}&to=${this.ns(span.end)}&count=12`);
    return json.map(({ start_ns, end_ns, reason }) => ({ start: this.after(start_ns), end: this.after(end_ns), reason, guess }));
  }

  exportUrl(base: string, form: string, proposals: boolean): string {
    return `${base}${this.signal}/windows?form=${form}&proposals=${proposals}`;
  }

  private request(edit: WindowEdit, confirmed: Windows): Record<string, unknown> {
    if (edit.kind === "create") {
      const { start, end, category, tier, channel } = edit, sensor = channel ? `${this.sensor}/${channel}` : this.sensor;
      return { operation: "window_create", payload: { start_ns: this.ns(start), end_ns: this.ns(end), category, tier, sensor } };
    }
    const revision = (id: number) => confirmed.get(id)?.revision ?? 0;
    const about = { window_id: edit.window, base_revision: revision(edit.window) };
    switch (edit.kind) {
      case "move":
        return { ...about, operation: "window_move", payload: { start_ns: this.ns(edit.start), end_ns: this.ns(edit.end) } };
      case "split":
        return { ...about, operation: "window_split", payload: { at_ns: this.ns(edit.at) } };
      case "merge":
        return { ...about, operation: "window_merge", other_id: edit.other, other_base_revision: revision(edit.other) };
      case "tag":
        return { ...about, operation: "window_tag", payload: { category: edit.category } };
      case "describe":
        return { ...about, operation: "window_tag", payload: { attributes: edit.attributes } };
      case "judge":
        return { ...about, operation: edit.state === "accepted" ? "window_accept" : "window_reject" };
      case "delete":
        return { ...about, operation: "window_delete" };
    }
  }

  private states(windows: readonly WindowJson[]): ServerWindow[] {
    return windows.map((one) => ({ window: this.window(one), deleted: one.deleted }));
  }

  private window(json: WindowJson): ActivityWindow {
    return {
      id: json.window_id, start: this.after(json.start_ns), end: this.after(json.end_ns), category: json.category, tier: json.tier,
      channel: json.sensor.startsWith(`${this.sensor}/`) ? json.sensor.slice(this.sensor.length + 1) : "", attributes: json.attributes ?? {},
      state: json.state, score: json.score, startBand: Number(json.start_uncertainty_ns), endBand: Number(json.end_uncertainty_ns),
      reason: json.reason, revision: json.revision,
    };
  }

  private after(ns: string): number {
    return Number(BigInt(ns) - this.origin);
  }

  private ns(time: number): string {
    return String(this.origin + BigInt(Math.round(time)));
  }
}
