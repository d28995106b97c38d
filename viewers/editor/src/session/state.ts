/** All that the editor's page shows, as one value. */

import type { Cluster, RecordingInfo } from "../api/client";
import type { LabelClass } from "../api/ontology_json";
import type { Box, Vec3 } from "../geometry/box";
import type { PlaneName } from "../geometry/plane_view";
import { Poses } from "../geometry/transform";
import type { PointCloud } from "../points/decode";
import type { Doubts, ListFilter } from "../state/doubt";
import { exceptionsOf } from "../state/exceptions";
import type { Cuboid, Labels, Track } from "../state/labels";
import type { Settings } from "../state/settings";
import { type Sync, startSync } from "../state/sync";
import type { Detail } from "./detail";
import { START, type Orbit } from "../views/orbit";

export type Dialog = "help" | "settings" | "delete" | "batch" | null;

export interface EditorState {
  readonly recording: RecordingInfo;
  readonly classes: readonly LabelClass[];
  readonly poses: Poses;
  readonly frame: number;
  readonly direction: 1 | -1;
  /** Of the frame, or of the last frame while this one loads. */
  readonly cloud: PointCloud | null;
  readonly cloudFrame: number;
  /** All points about the chosen cuboid where `cloud` has not all. */
  readonly detail: Detail | null;
  readonly radars: readonly PointCloud[];
  readonly sync: Sync;
  readonly labels: Labels;
  /** Follows the labels a moment later. */
  readonly doubts: Doubts;
  readonly chosen: number | null;
  /** A box under the mouse that is not an edit yet. */
  readonly draft: { readonly track: number; readonly frame: number; readonly box: Box } | null;
  readonly mergeFrom: number | null;
  readonly category: string;
  readonly settings: Settings;
  readonly list: ListFilter;
  readonly dialog: Dialog;
  readonly playing: boolean;
  readonly trajectory: boolean;
  readonly fused: PointCloud | null;
  /** The measuring tape: places clicked, or null when it is put away. */
  readonly tape: readonly Vec3[] | null;
  readonly hovered: PlaneName;
  readonly orbit: Orbit;
  readonly clipboard: Box | null;
  readonly notice: string | null;
  readonly uncovered: readonly Cluster[] | null;
  readonly deletePreview: Readonly<Record<string, unknown>> | null;
  readonly camera: string | null;
  readonly readOnly: boolean;
}

export function firstState(recording: RecordingInfo, classes: readonly LabelClass[], labels: Labels, settings: Settings): EditorState {
  const poses = new Poses(recording.world_from_ego);
  return {
    recording, classes, poses, frame: 0, direction: 1,
    cloud: null, cloudFrame: -1, detail: null, radars: [], sync: startSync(labels), labels, doubts: exceptionsOf(labels, poses), chosen: null, draft: null, mergeFrom: null,
    category: classes[0]?.name ?? "car", settings, list: { sort: "doubt", text: "", open: false, once: false }, dialog: null,
    playing: false, trajectory: false, fused: null, tape: null, hovered: "top", orbit: START, clipboard: null,
    notice: null, uncovered: null, deletePreview: null, camera: null, readOnly: false,
  };
}

export function chosenTrack(state: EditorState): Track | null {
  return state.chosen === null ? null : state.labels.get(state.chosen) ?? null;
}

/** The chosen cuboid of this frame, as it is being dragged. */
export function chosenBox(state: EditorState): Box | null {
  const { draft } = state;
  if (draft && draft.track === state.chosen && draft.frame === state.frame) return draft.box;
  return chosenCuboid(state);
}

export function chosenCuboid(state: EditorState): Cuboid | null {
  return chosenTrack(state)?.cuboids.get(state.frame) ?? null;
}

export function classOf(state: EditorState, name: string): LabelClass | undefined {
  return state.classes.find((label) => label.name === name);
}

export function colourOf(state: EditorState, category: string): string {
  return classOf(state, category)?.colour ?? "#9ca3af";
}
