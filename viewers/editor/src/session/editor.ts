/** The editor's state and what changes it: frames, choice, edits; no three.js and no React in here. */

import { ApiError, type RecordingClient, Unreachable, newClientId } from "../api/client";
import type { LabelClass } from "../api/ontology_json";
import type { Box } from "../geometry/box";
import type { PointCloud } from "../points/decode";
import { PASSING_POINTS, passingBudget } from "../points/budget";
import { FrameCache, neighbours } from "../points/frame_cache";
import { after, listed } from "../state/doubt";
import { exceptionsOf, sameDoubts } from "../state/exceptions";
import { type Edit, type FrameBox, framesOf, keepEqual } from "../state/labels";
import { type Settings, loadSettings, saveSettings } from "../state/settings";
import { type Sync, enqueue, refreshed, resolve, shown, startSync } from "../state/sync";
import { DetailLoader } from "./detail";
import { Outbox } from "./outbox";
import { firstLook } from "../views/orbit";
import { type EditorState, chosenTrack, firstState } from "./state";

const PLAY_MS = 100;
const REFRESH_MS = 20_000;
const DOUBT_MS = 250;
const REFINE_MS = 150;

export class Editor {
  state: EditorState;
  readonly outbox: Outbox;
  private readonly cache: FrameCache;
  private readonly listeners = new Set<() => void>();
  private temporaryId = -1;
  private firstPoints: Promise<PointCloud> | null = null;
  private looked = false;
  private timers: ReturnType<typeof setInterval>[] = [];
  private playTimer: ReturnType<typeof setInterval> | undefined;
  private readonly detail: DetailLoader;
  private refineTimer: ReturnType<typeof setTimeout> | undefined;
  private doubtTimer: ReturnType<typeof setTimeout> | undefined;
  /** performance.now() when an edit was made, and when a frame was asked for, until the views have drawn it. */
  editedAt = 0;
  steppedAt = 0;
  /** A key is held down: its edits are one while they wait. */
  held = false;
  /** When the first points of that frame were drawn, until all are. */
  seenAt = 0;

  private constructor(readonly client: RecordingClient, state: EditorState, key: string, private readonly storage: Storage) {
    this.state = state;
    this.cache = new FrameCache((frame) => this.loadCloud(frame), () => this.state.settings.frameMemory * 2 ** 20);
    this.detail = new DetailLoader(client, () => this.state, (detail) => this.update({ detail }));
    this.outbox = new Outbox(client, storage, `lidar-label.edits.${key}`, () => this.state.sync, (sync, renamed) => this.setSync(sync, renamed));
  }

  /** Everything that the first picture needs is asked for at once. */
  static async open(client: RecordingClient, asked: Promise<readonly LabelClass[]>, key: string, storage: Storage): Promise<Editor> {
    const points = client.points(0, passingBudget(storage));
    points.catch(() => undefined); // asked for again, and told, by goTo
    const [recording, { labels, seq }, classes] = await Promise.all([client.info(), client.labels(), asked]);
    const editor = new Editor(client, firstState(recording, classes, labels, loadSettings(storage)), key, storage);
    editor.firstPoints = points;
    editor.outbox.known = seq;
    const waiting = editor.outbox.restore();
    editor.temporaryId = Math.min(0, ...waiting.map(({ edit }) => edit.track)) - 1;
    editor.setSync(startSync(labels, waiting));
    void editor.outbox.flush();
    void editor.goTo(0);
    editor.timers.push(setInterval(() => void editor.refresh(), REFRESH_MS));
    return editor;
  }

  close(): void {
    this.timers.forEach(clearInterval);
    clearInterval(this.playTimer);
    clearTimeout(this.doubtTimer);
    clearTimeout(this.refineTimer);
    this.detail.stop();
    this.outbox.stop();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  update(changes: Partial<EditorState>): void {
    this.state = { ...this.state, ...changes };
    this.detail.check();
    this.listeners.forEach((listener) => listener());
  }

  notify(notice: string | null): void {
    this.update({ notice });
  }

  set(changes: Partial<Settings>): void {
    const settings = { ...this.state.settings, ...changes };
    saveSettings(this.storage, settings);
    this.update({ settings });
  }

  // Frames

  async goTo(frame: number): Promise<void> {
    const { recording } = this.state;
    const wanted = Math.max(0, Math.min(recording.frames - 1, frame));
    const direction = wanted >= this.state.frame ? 1 : -1;
    const ready = this.cache.ready(wanted);
    this.steppedAt = performance.now();
    this.seenAt = 0;
    this.update({
      frame: wanted, direction, draft: null, detail: null, fused: null, uncovered: null, radars: [],
      ...(ready ? { cloud: ready, cloudFrame: wanted } : {}),
    });
    try {
      const cloud = ready ?? await this.cache.get(wanted);
      if (this.state.frame !== wanted) return;
      const orbit = this.looked ? this.state.orbit : firstLook(cloud.xyz);
      this.looked = true;
      if (!ready) this.update({ cloud, cloudFrame: wanted, orbit });
      this.refineLater(wanted, cloud);
      this.cache.prefetch(neighbours(wanted, recording.frames, direction));
      await this.loadRadars(wanted);
    } catch (error) {
      this.report(error, `frame ${wanted} cannot be loaded`);
    }
  }

  /** Points of any frame, for the tiles; null when they cannot be had. */
  cloudOf(frame: number): Promise<PointCloud | null> {
    return this.cache.get(frame).catch(() => null);
  }

  get cachedBytes(): number {
    return this.cache.bytes;
  }

  play(on: boolean): void {
    clearInterval(this.playTimer);
    this.update({ playing: on });
    if (!on) return;
    this.playTimer = setInterval(() => {
      const { frame, recording, cloudFrame } = this.state;
      if (cloudFrame !== frame) return; // wait for the points
      if (frame + 1 >= recording.frames) this.play(false);
      else void this.goTo(frame + 1);
    }, PLAY_MS);
  }

  private loadCloud(frame: number): Promise<PointCloud> {
    const early = frame === 0 ? this.firstPoints : null;
    this.firstPoints = null;
    return early ?? this.client.points(frame, Math.min(PASSING_POINTS, this.state.settings.pointBudget));
  }

  /** Where a frame holds more points than came at first, fetch as many as may be shown once a person rests on it. */
  private refineLater(frame: number, { count, total }: PointCloud): void {
    clearTimeout(this.refineTimer);
    const most = this.state.settings.pointBudget, start = this.steppedAt || performance.now();
    if (count >= Math.min(total, most)) return;
    this.refineTimer = setTimeout(() => {
      this.client.points(frame, most).then((cloud) => {
        if (this.state.cloudFrame !== frame) return;
        [this.steppedAt, this.seenAt] = [start, performance.now()];
        this.update({ cloud });
      }).catch(() => undefined); // what is shown stays
    }, REFINE_MS);
  }

  private async loadRadars(frame: number): Promise<void> {
    const names = this.state.recording.sensors.filter((sensor) => sensor.kind === "radar").map((sensor) => sensor.name);
    if (!names.length) return;
    const radars = (await Promise.all(names.map((name) => this.client.radar(frame, name).catch(() => null))))
      .filter((cloud): cloud is PointCloud => cloud !== null);
    if (this.state.frame === frame) this.update({ radars });
  }

  // Choice

  choose(track: number | null): void {
    const { mergeFrom } = this.state;
    if (mergeFrom !== null && track !== null && track !== mergeFrom) {
      this.update({ mergeFrom: null, chosen: mergeFrom });
      this.edit({ kind: "merge", track: mergeFrom, other: track });
      this.notify(`object ${track} was merged into ${mergeFrom}`);
      return;
    }
    const category = track === null ? this.state.category : this.state.labels.get(track)?.category ?? this.state.category;
    this.update({ chosen: track, draft: null, fused: null, category, deletePreview: null });
  }

  /** Choose a track, go to a frame of it, this one or where it is most in doubt, and look there. */
  visit(track: number): void {
    this.choose(track);
    const chosen = chosenTrack(this.state);
    if (!chosen) return;
    if (!chosen.cuboids.has(this.state.frame)) void this.goTo(this.state.doubts.get(track)?.frame ?? framesOf(chosen)[0]);
    const box = chosen.cuboids.get(this.state.frame);
    if (box) this.update({ orbit: { ...this.state.orbit, target: [box.x, box.y, box.z] } });
  }

  step(by: 1 | -1): void {
    const next = after(listed(this.state.labels, this.state.list, this.state.doubts), this.state.chosen, by);
    if (next) this.visit(next.id);
  }

  // Edits

  /** A track id until the server gives one. */
  newId(): number {
    return this.temporaryId--;
  }

  /** Several edits are one step for undo. */
  edit(...edits: Edit[]): void {
    if (this.state.readOnly) return this.notify("you may look at these labels but not change them");
    this.editedAt = performance.now();
    const batch = edits.length > 1 ? newClientId() : undefined;
    this.place(edits.reduce((sync, edit) => enqueue(sync, edit, newClientId(), { batch, held: this.held }), this.state.sync));
    void this.outbox.flush(); // on its way before anything is drawn
    this.update({});
  }

  /** Set the chosen cuboid of this frame. */
  setBox(box: Box): void {
    const { chosen, frame } = this.state;
    if (chosen === null) return;
    this.state = { ...this.state, draft: null };
    this.setCuboids(chosen, [{ frame, box }]);
  }

  /** Set cuboids of a track by hand; the tracker lets the others follow, if that is wanted. */
  setCuboids(track: number, cuboids: readonly FrameBox[]): void {
    this.edit({ kind: "set", track, cuboids, keyframe: true, solve: this.state.settings.othersFollow });
  }

  resolveConflict(keep: "mine" | "theirs"): void {
    this.setSync(resolve(this.state.sync, keep, newClientId));
    void this.outbox.flush();
  }

  undo(what: "undo" | "redo"): Promise<void> {
    return this.outbox.alone(() => this.stepBack(what));
  }

  private async stepBack(what: "undo" | "redo"): Promise<void> {
    if (this.state.sync.queue.length) return this.notify(`${what} needs the server; your edits wait for it`);
    try {
      const { states, seq } = await this.client.step(what, newClientId());
      this.outbox.advance(seq, 1); // of a batch more, which the next refresh finds
      const confirmed = new Map(this.state.sync.confirmed);
      for (const { track, deleted } of states) deleted ? confirmed.delete(track.id) : confirmed.set(track.id, track);
      this.setSync({ ...this.state.sync, confirmed });
      this.notify(states.length ? `${what === "undo" ? "undone" : "done again"}: object ${states.map((s) => s.track.id).join(", ")}` : null);
    } catch (error) {
      this.report(error, `nothing to ${what}`);
    }
  }

  /** Take in what others did since. */
  async refresh(): Promise<void> {
    try {
      if (await this.client.newestEdit() <= this.outbox.known) return;
      const { labels, seq } = await this.client.labels();
      if (this.state.sync.sent || seq < this.outbox.newest) return; // what we know or are about to is newer
      this.outbox.known = seq;
      this.setSync(refreshed(this.state.sync, labels));
    } catch {
      // the next edit or refresh will tell
    }
  }

  report(error: unknown, what: string): void {
    if (error instanceof ApiError || error instanceof Unreachable) this.notify(`${what}: ${error.message}`);
    else throw error;
  }

  private doubtLater(): void {
    clearTimeout(this.doubtTimer);
    this.doubtTimer = setTimeout(() => {
      const doubts = sameDoubts(this.state.doubts, exceptionsOf(this.state.labels, this.state.poses));
      if (doubts !== this.state.doubts) this.update({ doubts });
    }, DOUBT_MS);
  }

  private setSync(sync: Sync, renamed?: ReadonlyMap<number, number>): void {
    this.place(sync, renamed);
    this.update({});
  }

  /** Take over a state of the edits without telling anybody yet. */
  private place(sync: Sync, renamed?: ReadonlyMap<number, number>): void {
    const before = this.state;
    const same = sync.confirmed === before.sync.confirmed && sync.queue === before.sync.queue;
    const labels = same ? before.labels : keepEqual(before.labels, shown(sync, before.poses));
    const now = (id: number | null): number | null => (id === null ? null : renamed?.get(id) ?? id);
    const chosen = now(before.chosen);
    if (labels !== before.labels) this.doubtLater();
    this.state = {
      ...before, sync, labels, mergeFrom: now(before.mergeFrom),
      chosen: chosen !== null && labels.has(chosen) ? chosen : null,
      ...(sync.refused ? { notice: sync.refused } : {}),
    };
    this.outbox.keep(sync);
  }
}
