/** The large view: all points and cuboids, the trajectory, radar arrows and the measuring tape. */

import * as THREE from "three";
import type { Box, Vec3 } from "../geometry/box";
import { type EditorState, chosenTrack, colourOf } from "../session/state";
import { framesOf, inFrame } from "../state/labels";
import { Backdrop } from "./backdrop";
import { BoxLayer, type DrawnBox, LineLayer } from "./box_layer";
import { OrbitCameras } from "./orbit";
import type { ColouredCloud } from "./scenery";
import type { Pane } from "./stage";

const RADAR_ARROW_S = 0.5; // an arrow is as long as the way in this time

export class MainPane implements Pane {
  readonly scene = new THREE.Scene();
  readonly backdrop = new Backdrop();
  private readonly boxes = new BoxLayer();
  private readonly trajectory = new LineLayer("#fbbf24");
  private readonly tape = new LineLayer("#f472b6");
  private readonly radar = new LineLayer("#f97316");
  private readonly cameras = new OrbitCameras();
  private state: EditorState | null = null;
  private cloud: ColouredCloud | null = null;
  private drawn: readonly DrawnBox[] = [];

  constructor(readonly element: HTMLElement) {
    this.scene.add(this.boxes.object, this.trajectory.object, this.tape.object, this.radar.object);
  }

  camera(aspect: number): THREE.Camera {
    if (!this.state) throw new Error("drawn before it was shown anything");
    return this.cameras.at(this.state.orbit, aspect);
  }

  /** Take over what changed; true when the view must be drawn again. */
  show(state: EditorState, cloud: ColouredCloud | null): boolean {
    const before = this.state;
    this.state = state;
    const changed = (...keys: (keyof EditorState)[]) => !before || keys.some((key) => before[key] !== state[key]);
    let redraw = this.showPoints(cloud) || changed("orbit", "settings");
    if (changed("orbit", "settings")) this.backdrop.restart();
    if (changed("settings")) this.backdrop.points.setSize(state.settings.pointSize);
    if (changed("labels", "frame", "draft", "chosen", "uncovered")) redraw = this.showBoxes(drawnBoxes(state)) || redraw;
    if (changed("frame", "chosen", "trajectory") || (state.trajectory && changed("labels"))) {
      this.trajectory.show(trajectoryOf(state));
      redraw = true;
    }
    if (changed("tape")) {
      this.tape.show(pairs(state.tape ?? []));
      redraw = true;
    }
    if (changed("radars", "settings")) {
      const shown = state.radars.filter(({ sensors }) => !state.settings.hiddenSensors.includes(sensors[0]));
      this.radar.show(shown.flatMap(({ xyz, velocity }) => arrows(xyz, velocity)));
      redraw = true;
    }
    return redraw;
  }

  dispose(): void {
    this.backdrop.dispose();
    this.boxes.dispose();
  }

  private showPoints(cloud: ColouredCloud | null): boolean {
    const before = this.cloud;
    this.cloud = cloud;
    if (cloud === before || !cloud) return cloud !== before;
    if (cloud.cloud === before?.cloud && cloud.index === before.index) this.backdrop.points.recolour(cloud.colours);
    else this.backdrop.points.show(cloud.cloud, cloud.colours, cloud.index);
    this.backdrop.restart();
    return true;
  }

  private showBoxes(boxes: readonly DrawnBox[]): boolean {
    const before = this.drawn;
    const same = (a: DrawnBox, b: DrawnBox) => a.box === b.box && a.colour === b.colour && a.chosen === b.chosen && a.open === b.open;
    if (boxes.length === before.length && boxes.every((box, i) => same(box, before[i]))) return false;
    this.drawn = boxes;
    this.boxes.show(boxes);
    return true;
  }
}

function drawnBoxes(state: EditorState): DrawnBox[] {
  const { draft, chosen, frame } = state;
  const boxes = inFrame(state.labels, frame).map(({ track, cuboid }): DrawnBox => ({
    box: draft?.track === track.id && draft.frame === frame ? draft.box : cuboid,
    colour: colourOf(state, track.category), chosen: track.id === chosen, open: track.state === "proposed",
  }));
  const found = (state.uncovered ?? []).map(({ box }): DrawnBox => ({ box, colour: "#ffffff", chosen: false, open: true }));
  return [...boxes, ...found];
}

function trajectoryOf(state: EditorState): (readonly [Vec3, Vec3])[] {
  const track = chosenTrack(state);
  if (!track || !state.trajectory) return [];
  const places = framesOf(track).map((frame): Vec3 => {
    const box = state.poses.carry(track.cuboids.get(frame) as Box, frame, state.frame);
    return [box.x, box.y, box.z];
  });
  return pairs(places);
}

function pairs(places: readonly Vec3[]): (readonly [Vec3, Vec3])[] {
  return places.slice(1).map((place, i) => [places[i], place] as const);
}

/** From each radar point along its ray, as far as it moves in a moment. */
function arrows(xyz: Float32Array, velocity: Float32Array | undefined): (readonly [Vec3, Vec3])[] {
  if (!velocity) return [];
  return Array.from(velocity, (speed, i): readonly [Vec3, Vec3] => {
    const at: Vec3 = [xyz[3 * i], xyz[3 * i + 1], xyz[3 * i + 2]];
    const reach = RADAR_ARROW_S * speed / Math.max(Math.hypot(...at), 0.1);
    return [at, [at[0] * (1 + reach), at[1] * (1 + reach), at[2] * (1 + reach)]];
  });
}
