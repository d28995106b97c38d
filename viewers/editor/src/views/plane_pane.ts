/** The points around a cuboid seen straight from above, from its side or from behind. */

import * as THREE from "three";
import { type Axis, type Box, SIZE_KEYS, fromLocal } from "../geometry/box";
import { PLANES, type PlaneName } from "../geometry/plane_view";
import { PointLayer } from "./point_layer";
import type { Pane } from "./stage";

const FAR_M = 50;
const AROUND_M = 0.8; // before and behind the cuboid; what is farther would only hide it

export class PlanePane implements Pane {
  readonly scene = new THREE.Scene();
  private readonly points = new PointLayer();
  private readonly eye = new THREE.OrthographicCamera(-1, 1, 1, -1, 0.1, 2 * FAR_M);
  private box: Box | null = null;
  private half = 1;

  constructor(readonly element: HTMLElement, private readonly plane: PlaneName) {
    this.scene.add(this.points.object);
  }

  /** Look at a box; `half` is half the view's height in metres. */
  look(box: Box | null, half: number): void {
    this.box = box;
    this.half = half;
    this.points.object.visible = box !== null;
  }

  show(geometry: THREE.BufferGeometry, size: number): void {
    this.points.borrow(geometry);
    this.points.setSize(size);
  }

  camera(aspect: number): THREE.Camera {
    const { box, half, eye } = this;
    if (!box) return eye;
    const { right, up } = PLANES[this.plane];
    const flat = { ...box, x: 0, y: 0, z: 0 };
    const vector = (direction: { axis: number; sign: number }) =>
      new THREE.Vector3(...fromLocal(flat, [0, 1, 2].map((axis) => (axis === direction.axis ? direction.sign : 0)) as [number, number, number]));
    const out = vector(right).cross(vector(up));
    const deep = box[SIZE_KEYS[3 - right.axis - up.axis as Axis]] / 2 + AROUND_M;
    Object.assign(eye, { near: FAR_M - deep, far: FAR_M + deep });
    Object.assign(eye, { left: -half * aspect, right: half * aspect, top: half, bottom: -half });
    eye.position.set(box.x, box.y, box.z).addScaledVector(out, FAR_M);
    eye.up.copy(vector(up));
    eye.lookAt(box.x, box.y, box.z);
    eye.updateProjectionMatrix();
    return eye;
  }

  dispose(): void {
    this.points.dispose();
  }
}
