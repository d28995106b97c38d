/** The colours and the shown points of the frame's cloud, worked out once for all views. */

import { type Filter, colourPoints, shownPoints } from "../points/colours";
import type { PointCloud } from "../points/decode";
import { type EditorState, colourOf } from "../session/state";
import { type Labels, inFrame } from "../state/labels";

export interface ColouredCloud {
  readonly cloud: PointCloud;
  readonly colours: Uint8Array;
  readonly index: Uint32Array | null;
  readonly filter: Filter;
}

export class Scenery {
  private last: { readonly inputs: readonly unknown[]; readonly value: ColouredCloud } | null = null;

  /** The frame's points, or others of it. */
  of(state: EditorState, cloud: PointCloud | null = state.fused ?? state.cloud): ColouredCloud | null {
    if (!cloud) return null;
    const { colourBy, hideGround, hiddenSensors } = state.settings;
    const labels: Labels | null = colourBy === "class" ? state.labels : null;
    const inputs = [cloud, colourBy, hideGround, hiddenSensors, labels];
    if (this.last && this.last.inputs.every((input, i) => input === inputs[i])) return this.last.value;
    const filter = { hideGround, hiddenSensors };
    const boxes = labels ? inFrame(labels, state.cloudFrame).map(({ track, cuboid }) => ({ box: cuboid, colour: colourOf(state, track.category) })) : [];
    const value = { cloud, colours: colourPoints(cloud, colourBy, boxes), index: shownPoints(cloud, filter), filter };
    this.last = { inputs, value };
    return value;
  }
}
