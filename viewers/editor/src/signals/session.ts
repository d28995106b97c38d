/** The signals page's state and what changes it; no canvas and no React in here. */

import { ApiError, type RecordingClient, type RecordingInfo } from "../api/client";
import type { LabelClass } from "../api/ontology_json";
import type { Medium, Waveform } from "./media";
import { MediaClient } from "./media_client";
import { MediaDesk } from "./media_desk";
import type { Spectrum } from "./spectrum";
import { type OwnKeys, loadKeys, saveKeys } from "./keymap";
import type { Candidate, Comment, SignalClock, SignalsClient } from "./signals_client";
import { type Scene, sceneOf } from "./scene";
import { type SignalView, serves } from "./signal_view";
import { type Change, showing, within, zoomAt } from "./time_axis";
import { NO_STEPS, type Step, did, taken } from "./steps";
import { WindowDesk } from "./window_desk";
import { type ActivityWindow, type Span, type WindowEdit, type Windows, listed } from "./windows";

const RETRAIN_MS = 500;
const REFRESH_MS = 20_000;
const SPECTRUM_MS = 100;
const OVERVIEW_PX = 1600;
const OFFERED = 3;
const MOST_VIEWS = 8;

export interface SignalsState {
  readonly clock: SignalClock;
  readonly classes: readonly LabelClass[];
  readonly view: Span;
  /** The whole signal coarsely, for scales and until what the view asks for is here. */
  readonly overview: SignalView;
  readonly loaded: SignalView | null;
  readonly apart: boolean;
  /** Magnitudes and tilt are shown, too. */
  readonly derived: boolean;
  /** The channel whose frequencies are shown, and what is here of them. */
  readonly spectrumOf: string | null;
  readonly spectrum: Spectrum | null;
  readonly cursor: number;
  readonly windows: Windows;
  readonly chosen: number | null;
  /** What a drag is making or moving, and the change that its end has caught. */
  readonly draft: (Span & { readonly caught: Change | null }) | null;
  readonly category: string;
  readonly tier: string;
  /** The channel of new windows; "" for all. */
  readonly channel: string;
  readonly comments: readonly Comment[];
  readonly keys: OwnKeys;
  readonly changes: readonly Change[];
  readonly penalty: number;
  readonly least: number;
  /** The cuboids of the same recording; null where it has no frames. */
  readonly scene: Scene | null;
  /** The object chosen among them. */
  readonly object: number | null;
  readonly media: readonly Medium[];
  readonly waveforms: ReadonlyMap<number, Waveform>;
  readonly playing: boolean;
  readonly candidates: readonly Candidate[];
  readonly candidate: number;
  readonly live: boolean;
  readonly busy: string | null;
  readonly status: "saved" | "pending" | "offline";
  readonly notice: string | null;
  readonly readOnly: boolean;
  readonly help: boolean;
}

export class SignalsSession {
  private readonly listeners = new Set<() => void>();
  private temporary = -1;
  private retrain: ReturnType<typeof setTimeout> | undefined;
  private spectral: ReturnType<typeof setTimeout> | undefined;
  private refresh: ReturnType<typeof setInterval> | undefined;
  readonly desk: MediaDesk;
  private readonly outgoing: WindowDesk;
  private steps = NO_STEPS;
  private loading = false;
  private readonly skipped: Span[] = [];
  private width = 1200;
  /** What was loaded last, for views that come back and those that come next. */
  private views: readonly SignalView[] = [];
  /** performance.now() when the view was last changed, until it is drawn as finely as the screen can show. */
  viewedAt = 0;
  /** The `viewedAt` whose first, perhaps coarse, picture has been drawn. */
  firstDrawn = 0;

  private constructor(readonly client: SignalsClient, public state: SignalsState, key: string, private readonly storage: Storage) {
    this.outgoing = new WindowDesk(this, state.windows, key, storage);
    this.desk = new MediaDesk(this, new MediaClient(client.client, client.project, client.recordingId, () => client.origin));
  }

  static async open(client: SignalsClient, classes: readonly LabelClass[], key: string, storage: Storage, readOnly: boolean): Promise<SignalsSession> {
    const clock = await client.clock();
    const [overview, windows] = await Promise.all([client.view(clock.whole, OVERVIEW_PX), client.windows()]);
    const session = new SignalsSession(client, {
      clock, classes, view: clock.whole, overview, loaded: overview, apart: false, derived: false, spectrumOf: null, spectrum: null, cursor: 0, windows, chosen: null, draft: null,
      category: classes[0]?.name ?? "activity", tier: "activity", channel: "", comments: [], keys: loadKeys(storage), changes: [], penalty: 1, least: 0.9, scene: null, object: null, media: [], waveforms: new Map(), playing: false, candidates: [], candidate: 0,
      live: true, busy: null, status: "saved", notice: null, readOnly, help: false,
    }, key, storage);
    session.outgoing.show();
    void session.flush();
    void session.findChanges(1);
    void session.loadComments();
    void session.desk.load().catch((error: unknown) => session.notify(wordsOf(error)));
    session.refresh = setInterval(() => void session.reload(), REFRESH_MS);
    return session;
  }

  close(): void {
    this.outgoing.close();
    clearTimeout(this.retrain);
    clearTimeout(this.spectral);
    clearInterval(this.refresh);
    this.desk.close();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  update(change: Partial<SignalsState>): void {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }

  notify(notice: string | null): void {
    this.update({ notice });
  }

  // The view

  look(view: Span, cursor = this.state.cursor): void {
    this.viewedAt = performance.now();
    const shown = within(view, this.state.clock.whole);
    const loaded = this.views.find((one) => serves(one, shown, this.width)) ?? this.state.loaded;
    this.update({ view: shown, cursor, loaded });
    void this.load();
    this.spectrumSoon();
    if (this.state.media.length) this.desk.drawSoon();
  }

  resize(width: number): void {
    this.width = width;
    void this.load();
  }

  /** One question at a time; what the view has become meanwhile is asked next, and at rest what it may become. */
  private async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      while (!this.fine()) this.update({ loaded: await this.fetch(this.state.view) ?? this.state.loaded });
      const { view, cursor, clock } = this.state;
      for (const next of [0.4, 2.5].map((factor) => zoomAt(view, factor, Math.min(Math.max(cursor, view.start), view.end), clock.whole)))
        if (view === this.state.view && !this.views.some((one) => serves(one, next, this.width))) await this.fetch(next);
    } catch (error) {
      return this.notify(wordsOf(error));
    } finally {
      this.loading = false;
    }
    if (!this.fine()) void this.load(); // the view has changed while others were fetched
  }

  /** A view with as much again about it; null where it is no longer of the channels that are shown. */
  private async fetch(view: Span): Promise<SignalView | null> {
    const { clock, derived } = this.state, length = view.end - view.start;
    const asked = within({ start: view.start - length / 2, end: view.end + length / 2 }, clock.whole);
    const found = await this.client.view({ start: Math.floor(asked.start), end: Math.ceil(asked.end) }, (this.width * (asked.end - asked.start)) / length, derived);
    if (derived !== this.state.derived) return null;
    this.views = [found, ...this.views].slice(0, MOST_VIEWS);
    return found;
  }

  /** Whether what is loaded shows the view as finely as the screen can. */
  fine(): boolean {
    return serves(this.state.loaded, this.state.view, this.width);
  }

  /** What to draw now: the finer of what is here. */
  drawn(): SignalView {
    const { loaded, overview, view } = this.state;
    return loaded && loaded.start <= view.start && loaded.end >= view.end ? loaded : overview;
  }

  /** Take in the cuboids of the recording. */
  async loadScene(source: RecordingClient, info: RecordingInfo): Promise<void> {
    const times = info.time_ns.map((time) => Number(BigInt(time) - this.state.clock.origin));
    const { labels } = await source.labels();
    this.update({ scene: sceneOf(times, labels) });
  }

  goToFrame(frame: number | null): void {
    const time = frame === null ? undefined : this.state.scene?.times[frame];
    if (time !== undefined) this.look(showing(this.state.view, { start: time, end: time }, this.state.clock.whole), time);
  }

  async showDerived(derived: boolean): Promise<void> {
    await this.during(derived ? "working out magnitudes and tilt …" : "…", async () => {
      const overview = await this.client.view(this.state.clock.whole, OVERVIEW_PX, derived);
      this.views = [];
      this.update({ derived, overview, loaded: overview });
      await this.load();
    });
  }

  showSpectrum(channel: string | null): void {
    this.update({ spectrumOf: channel, spectrum: null });
    this.spectrumSoon();
  }

  private spectrumSoon(): void {
    clearTimeout(this.spectral);
    if (this.state.spectrumOf === null) return;
    this.spectral = setTimeout(() => void this.during("working out frequencies …", async () => {
      const { spectrumOf, view } = this.state;
      if (spectrumOf === null) return;
      const spectrum = await this.client.spectrum(spectrumOf, { start: Math.floor(view.start), end: Math.ceil(view.end) }, Math.min(this.width, 1200));
      if (spectrum.channel === this.state.spectrumOf) this.update({ spectrum });
    }), SPECTRUM_MS);
  }

  async findChanges(penalty: number): Promise<void> {
    this.update({ penalty });
    await this.during("looking for changes …", async () => {
      const changes = await this.client.changes(penalty);
      if (this.state.penalty === penalty) this.update({ changes });
    });
  }

  // Windows

  choose(id: number | null): void {
    const window = id === null ? undefined : this.state.windows.get(id);
    this.update({ chosen: window ? window.id : null, candidates: [], ...(window ? { cursor: window.start } : {}) });
    if (window) this.look(showing(this.state.view, window, this.state.clock.whole));
  }

  chosen(): ActivityWindow | null {
    const { chosen, windows } = this.state;
    return chosen === null ? null : windows.get(chosen) ?? null;
  }

  newId(): number {
    return this.temporary--;
  }

  /** Several edits are one step for undo. */
  edit(...edits: WindowEdit[]): void {
    if (this.state.readOnly) return this.notify("you may look, not edit, in this project");
    if (!edits.length) return;
    this.outgoing.edit(edits);
    this.did("windows");
    this.retrainSoon();
  }

  /** Choose the next or previous window in time; only those the machine proposes, if told so. */
  step(by: 1 | -1, proposed = false): void {
    const { cursor } = this.state, from = this.chosen();
    const windows = listed(this.state.windows).filter(({ state }) => !proposed || state === "proposed");
    const place = (window: ActivityWindow) => window.start - (from?.start ?? cursor) || window.id - (from?.id ?? -Infinity);
    const next = by > 0 ? windows.find((w) => place(w) > 0) : windows.filter((w) => place(w) < 0).pop();
    if (next) this.choose(next.id);
    else this.notify(proposed ? "no proposal is left from here on" : "no window is left that way");
  }

  async loadComments(): Promise<void> {
    await this.client.comments().then((comments) => this.update({ comments })).catch((error: unknown) => this.notify(wordsOf(error)));
  }

  /** On the chosen window, or at the cursor. */
  comment(text: string): Promise<void> {
    const { cursor, readOnly } = this.state, window = this.chosen();
    if (readOnly) return Promise.resolve(this.notify("you may look, not edit, in this project"));
    return this.outgoing.inTurn(async () => {
      await this.client.comment(text, window?.start ?? cursor, window && window.id > 0 ? window.id : null);
      await this.loadComments();
    });
  }

  resolve(comment: Comment): Promise<void> {
    return this.outgoing.inTurn(async () => {
      await this.client.resolve(comment);
      await this.loadComments();
    });
  }

  bind(keys: OwnKeys): void {
    saveKeys(this.storage, keys);
    this.update({ keys });
  }

  /** Something was done that undo takes back. */
  did(step: Step): void {
    this.steps = did(this.steps, step);
  }

  /** Takes back, or does again, the last of what was done to windows and to films and sounds. */
  stepBack(what: "undo" | "redo"): Promise<void> {
    return this.outgoing.inTurn(async () => {
      const { step, steps } = taken(this.steps, what);
      if (step !== "windows") await this.desk.step(step, what);
      else if (await this.outgoing.step(what)) this.retrainSoon();
      else return this.notify("the server is away; nothing was undone");
      this.steps = steps;
    });
  }

  // Learning

  private retrainSoon(): void {
    clearTimeout(this.retrain);
    if (this.state.live) this.retrain = setTimeout(() => void this.proposeAfterEdits(), RETRAIN_MS);
  }

  private async proposeAfterEdits(): Promise<void> {
    const tagged = new Set(listed(this.state.windows).filter(({ state, tier }) => state === "accepted" && tier === "activity").map(({ category }) => category));
    if (tagged.size > 1) await this.propose();
  }

  propose(): Promise<void> {
    return this.outgoing.inTurn(() => this.during("learning from the tags …", async () => {
      await this.outgoing.sendAll();
      const { tags, proposed, unknown_s } = await this.client.propose();
      await this.outgoing.take();
      this.notify(`learned from ${tags} windows: ${proposed} proposed, ${unknown_s.toFixed(0)} s like none of them`);
    }));
  }

  async suggest(): Promise<void> {
    await this.flush();
    await this.during("choosing what to tag next …", async () => {
      const found = await this.client.suggestions(Math.min(OFFERED + this.skipped.length, 50), this.state.penalty);
      this.offer(found.filter((one) => !this.skipped.some((span) => span.start < one.end && one.start < span.end)).slice(0, OFFERED));
    });
  }

  /** Not to be offered again on this page. */
  skip(span: Span): void {
    this.skipped.push(span);
  }

  async findSimilar(): Promise<void> {
    const window = this.chosen();
    if (!window) return this.notify("choose a window first");
    await this.during("looking for more like this …", async () => this.offer(await this.client.similar(window, window.category)));
  }

  private offer(candidates: readonly Candidate[]): void {
    this.update({ candidates });
    if (candidates.length) this.goToCandidate(0);
    else this.notify("nothing was found");
  }

  goToCandidate(index: number): void {
    const candidate = this.state.candidates[index];
    if (!candidate) return this.update({ candidates: [], candidate: 0 });
    this.update({ candidate: index, chosen: null, cursor: candidate.start });
    this.look(showing(this.state.view, candidate, this.state.clock.whole));
  }

  // To and from the server

  reload(): Promise<void> {
    return this.outgoing.inTurn(() => this.outgoing.take());
  }

  flush(): Promise<void> {
    return this.outgoing.flush();
  }

  private async during(busy: string, work: () => Promise<void>): Promise<void> {
    this.update({ busy });
    try {
      await work();
    } catch (error) {
      this.notify(wordsOf(error));
    } finally {
      if (this.state.busy === busy) this.update({ busy: null });
    }
  }
}

export function wordsOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return "sign in first";
  return error instanceof Error ? error.message : String(error);
}
