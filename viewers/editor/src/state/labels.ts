/** Tracks with their cuboids, and what each edit makes of them; pure. */

import type { Box, Vec3 } from "../geometry/box";
import { resize, sizeOf } from "../geometry/box";
import type { Poses } from "../geometry/transform";

export type TrackState = "proposed" | "accepted" | "rejected";

export interface Cuboid extends Box {
  readonly score: number | null;
  /** Set by a person; other cuboids are interpolated or proposed. */
  readonly keyframe: boolean;
  readonly source: string;
  /** Points inside when it was proposed; −1 unknown. */
  readonly points: number;
}

export interface Doubt {
  readonly score: number;
  readonly reasons: readonly string[];
}

export interface Track {
  readonly id: number;
  readonly category: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly rigid: boolean;
  readonly revision: number;
  readonly state: TrackState;
  readonly cuboids: ReadonlyMap<number, Cuboid>;
}

export type Labels = ReadonlyMap<number, Track>;

export interface FrameBox {
  readonly frame: number;
  readonly box: Box;
}

/** One change by a person. Track ids below zero are this browser's own until the server gives one.
 * With `solve` the server's tracker moves the track's cuboids that nobody set; they are seen with its answer. */
export type Edit =
  | { readonly kind: "create"; readonly track: number; readonly frame: number; readonly box: Box; readonly category: string; readonly attributes?: Readonly<Record<string, unknown>> }
  | { readonly kind: "set"; readonly track: number; readonly cuboids: readonly FrameBox[]; readonly keyframe: boolean; readonly solve?: boolean }
  | { readonly kind: "remove"; readonly track: number; readonly frames: readonly number[] }
  | { readonly kind: "delete"; readonly track: number }
  | { readonly kind: "describe"; readonly track: number; readonly category?: string; readonly attributes?: Readonly<Record<string, unknown>>; readonly rigid?: boolean }
  | { readonly kind: "judge"; readonly track: number; readonly state: TrackState }
  | { readonly kind: "merge"; readonly track: number; readonly other: number }
  | { readonly kind: "split"; readonly track: number; readonly frame: number; readonly into: number }
  | { readonly kind: "interpolate"; readonly track: number; readonly from: number; readonly to: number; readonly solve?: boolean };

export function framesOf(track: Track): number[] {
  return [...track.cuboids.keys()].sort((a, b) => a - b);
}

export function keyframesOf(track: Track): number[] {
  return framesOf(track).filter((frame) => track.cuboids.get(frame)?.keyframe);
}

/** What the labels are after an edit; the same object when the edit names a track that is gone. */
export function applyEdit(labels: Labels, edit: Edit, poses: Poses): Labels {
  if (edit.kind === "create") return withTrack(labels, created(edit));
  const track = labels.get(edit.track);
  if (!track) return labels;
  switch (edit.kind) {
    case "set":
      return withTrack(labels, setCuboids(track, edit.cuboids, edit.keyframe));
    case "remove":
      return withTrack(labels, { ...track, cuboids: without(track.cuboids, edit.frames) });
    case "delete":
      return without(labels, [track.id]);
    case "describe":
      return withTrack(labels, {
        ...track,
        category: edit.category ?? track.category,
        attributes: edit.attributes ?? track.attributes,
        rigid: edit.rigid ?? track.rigid,
      });
    case "judge":
      return withTrack(labels, { ...track, state: edit.state });
    case "merge":
      return merged(labels, track, labels.get(edit.other));
    case "split":
      return split(labels, track, edit.frame, edit.into);
    case "interpolate":
      return edit.solve ? labels : withTrack(labels, interpolated(track, edit.from, edit.to, poses));
  }
}

export function withTrack(labels: Labels, track: Track): Labels {
  return new Map(labels).set(track.id, track);
}

function without<V>(map: ReadonlyMap<number, V>, keys: readonly number[]): ReadonlyMap<number, V> {
  const left = new Map(map);
  for (const key of keys) left.delete(key);
  return left;
}

function created(edit: Extract<Edit, { kind: "create" }>): Track {
  return {
    id: edit.track,
    category: edit.category,
    attributes: edit.attributes ?? {},
    rigid: true,
    revision: 0,
    state: "accepted",
    cuboids: new Map([[edit.frame, byHand(edit.box)]]),
  };
}

function byHand(box: Box, keyframe = true): Cuboid {
  return { ...box, score: null, keyframe, source: "human", points: -1 };
}

function setCuboids(track: Track, changes: readonly FrameBox[], keyframe: boolean): Track {
  const cuboids = new Map(track.cuboids);
  for (const { frame, box } of changes) cuboids.set(frame, byHand(box, keyframe));
  const last = changes[changes.length - 1];
  return { ...track, cuboids: track.rigid && last ? resized(cuboids, sizeOf(last.box)) : cuboids };
}

/** Every cuboid with one size, each on the ground where it stood. */
export function resized(cuboids: ReadonlyMap<number, Cuboid>, size: Vec3): ReadonlyMap<number, Cuboid> {
  return new Map([...cuboids].map(([frame, cuboid]) =>
    [frame, sizeOf(cuboid).every((side, i) => side === size[i]) ? cuboid : { ...cuboid, ...resize(cuboid, size) }]));
}

function merged(labels: Labels, track: Track, other: Track | undefined): Labels {
  if (!other || other.id === track.id) return labels;
  const cuboids = new Map([...other.cuboids, ...track.cuboids]);
  const first = track.cuboids.values().next().value;
  const whole = track.rigid && first ? resized(cuboids, sizeOf(first)) : cuboids;
  return without(withTrack(labels, { ...track, cuboids: whole }), [other.id]);
}

function split(labels: Labels, track: Track, frame: number, into: number): Labels {
  const before = new Map([...track.cuboids].filter(([f]) => f < frame));
  const after = new Map([...track.cuboids].filter(([f]) => f >= frame));
  if (!before.size || !after.size) return labels;
  return withTrack(withTrack(labels, { ...track, cuboids: before }), { ...track, id: into, revision: 0, cuboids: after });
}

/** Keyframes stay; every frame between two of them gets the box that moves evenly over ground. */
export function interpolated(track: Track, from: number, to: number, poses: Poses): Track {
  const keys = keyframesOf(track).filter((frame) => frame >= from && frame <= to);
  const cuboids = new Map(track.cuboids);
  keys.slice(1).forEach((end, i) => {
    const start = keys[i];
    const [a, b] = [track.cuboids.get(start), track.cuboids.get(end)];
    for (let frame = start + 1; a && b && frame < end; frame++)
      cuboids.set(frame, { ...poses.between(a, start, b, end, frame), score: null, keyframe: false, source: "interpolated", points: -1 });
  });
  return { ...track, cuboids };
}

/** The tracks with a cuboid in a frame, in the order of their ids. */
export function inFrame(labels: Labels, frame: number): { readonly track: Track; readonly cuboid: Cuboid }[] {
  return [...labels.values()].flatMap((track) => {
    const cuboid = track.cuboids.get(frame);
    return cuboid && track.state !== "rejected" ? [{ track, cuboid }] : [];
  });
}

/** The labels, but what reads as before is the same object as before, so that nothing draws it again; revisions are not seen. */
export function keepEqual(before: Labels, after: Labels): Labels {
  let same = before.size === after.size;
  const kept = new Map<number, Track>();
  for (const [id, track] of after) {
    const known = before.get(id), one = known && known !== track ? keepTrack(known, track) : track;
    kept.set(id, one);
    same &&= one === known;
  }
  return same ? before : kept;
}

function keepTrack(before: Track, after: Track): Track {
  let same = before.cuboids.size === after.cuboids.size;
  const cuboids = new Map<number, Cuboid>();
  for (const [frame, cuboid] of after.cuboids) {
    const known = before.cuboids.get(frame), one = known && sameFields(known, cuboid, CUBOID_FIELDS) ? known : cuboid;
    cuboids.set(frame, one);
    same &&= one === known;
  }
  const kept = { ...after, cuboids: same ? before.cuboids : cuboids };
  const alike = same && sameFields(before, kept, ["category", "rigid", "state"]) && JSON.stringify(before.attributes) === JSON.stringify(kept.attributes);
  return alike ? before : kept;
}

const CUBOID_FIELDS = ["x", "y", "z", "length", "width", "height", "yaw", "pitch", "roll", "score", "keyframe", "source", "points"] as const satisfies readonly (keyof Cuboid)[];

function sameFields<T>(a: T, b: T, fields: readonly (keyof T)[]): boolean {
  return a === b || fields.every((field) => a[field] === b[field]);
}
