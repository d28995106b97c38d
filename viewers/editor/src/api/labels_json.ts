/** Labels and edits as the API spells them. */

import type { Box } from "../geometry/box";
import type { Cuboid, Edit, Labels, Track, TrackState } from "../state/labels";
import type { Pending, ServerTrack } from "../state/sync";

interface CuboidColumns {
  readonly track_id?: readonly number[];
  readonly frame: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly z: readonly number[];
  readonly length: readonly number[];
  readonly width: readonly number[];
  readonly height: readonly number[];
  readonly yaw: readonly number[];
  readonly pitch?: readonly number[];
  readonly roll?: readonly number[];
  readonly score?: readonly (number | null)[];
  readonly keyframe?: readonly boolean[];
  readonly source?: readonly string[];
  readonly num_points?: readonly number[];
}

interface TrackJson {
  readonly track_id: number;
  readonly category: string;
  readonly attributes?: Readonly<Record<string, unknown>> | null;
  readonly rigid: boolean;
  readonly revision: number;
  readonly state: TrackState;
}

export interface TrackStateJson extends TrackJson {
  readonly deleted?: boolean;
  readonly cuboids: CuboidColumns;
}

export interface LabelsJson {
  readonly revision: number;
  readonly tracks: readonly TrackJson[];
  readonly cuboids: CuboidColumns;
}

export function readLabels(json: LabelsJson): Labels {
  const cuboids = new Map<number, Map<number, Cuboid>>(json.tracks.map((track) => [track.track_id, new Map()]));
  json.cuboids.frame.forEach((frame, i) =>
    cuboids.get(json.cuboids.track_id?.[i] ?? -1)?.set(frame, cuboidAt(json.cuboids, i)));
  return new Map(json.tracks.map((track) => [track.track_id, readTrack(track, cuboids.get(track.track_id) ?? new Map())]));
}

export function readTracks(states: readonly TrackStateJson[]): ServerTrack[] {
  return states.map((state) => ({
    track: readTrack(state, new Map(state.cuboids.frame.map((frame, i) => [frame, cuboidAt(state.cuboids, i)]))),
    deleted: state.deleted ?? false,
  }));
}

function readTrack(json: TrackJson, cuboids: ReadonlyMap<number, Cuboid>): Track {
  return {
    id: json.track_id,
    category: json.category,
    attributes: json.attributes ?? {},
    rigid: json.rigid,
    revision: json.revision,
    state: json.state,
    cuboids,
  };
}

function cuboidAt(c: CuboidColumns, i: number): Cuboid {
  return {
    x: c.x[i], y: c.y[i], z: c.z[i], length: c.length[i], width: c.width[i], height: c.height[i], yaw: c.yaw[i],
    pitch: c.pitch?.[i] ?? 0, roll: c.roll?.[i] ?? 0,
    score: c.score?.[i] ?? null, keyframe: c.keyframe?.[i] ?? false, source: c.source?.[i] ?? "", points: c.num_points?.[i] ?? -1,
  };
}

const bare = ({ x, y, z, length, width, height, yaw, pitch, roll }: Box): Box =>
  ({ x, y, z, length, width, height, yaw, pitch, roll });

/** An edit request; `revision` tells what the server last said of a track. */
export function writeEdit({ clientId, edit, batch }: Pending, revision: (track: number) => number): Record<string, unknown> {
  const request = { client_id: clientId, ...(batch ? { batch } : {}), ...operationOf(edit) };
  if (edit.kind === "create") return request;
  const about = { ...request, track_id: edit.track, base_revision: revision(edit.track) };
  return edit.kind === "merge" ? { ...about, other_id: edit.other, other_base_revision: revision(edit.other) } : about;
}

const solving = ({ solve }: { readonly solve?: boolean }) => (solve ? { solve } : {});

function operationOf(edit: Edit): Record<string, unknown> {
  switch (edit.kind) {
    case "create":
      return { operation: "create_track", frame: edit.frame, payload: { box: bare(edit.box), category: edit.category, attributes: edit.attributes ?? {} } };
    case "set":
      return { operation: "set_cuboids", payload: { cuboids: edit.cuboids.map(({ frame, box }) => ({ frame, box: bare(box), keyframe: edit.keyframe })), ...solving(edit) } };
    case "remove":
      return { operation: "delete_cuboids", payload: { frames: edit.frames } };
    case "delete":
      return { operation: "delete_track" };
    case "describe":
      return { operation: "set_track", payload: { category: edit.category, attributes: edit.attributes, rigid: edit.rigid } };
    case "judge":
      return { operation: "set_track", payload: { state: edit.state } };
    case "merge":
      return { operation: "merge_tracks" };
    case "split":
      return { operation: "split_track", frame: edit.frame };
    case "interpolate":
      return { operation: "interpolate", payload: { from_frame: edit.from, to_frame: edit.to, ...solving(edit) } };
  }
}
