/** The points about the chosen cuboid, cut out once for its close views and kept while it moves among them. */

import * as THREE from "three";
import { cutOut } from "../points/colours";
import { pointGeometry } from "./point_layer";
import type { ColouredCloud } from "./scenery";

const SPARE_SHARE = 1.15;
const SPARE_M = 1.5; // a cuboid is moved so far, in small steps, until the points are cut out again

export class CloseCloud {
  private cut: { readonly of: ColouredCloud; readonly x: number; readonly y: number; readonly radius: number } | null = null;
  private geometry = new THREE.BufferGeometry();

  /** Points within `reach` metres of a place seen from above, and some more; the same object while it serves. */
  around(cloud: ColouredCloud, x: number, y: number, reach: number): THREE.BufferGeometry {
    const { cut } = this;
    if (cut?.of === cloud && Math.hypot(cut.x - x, cut.y - y) + reach <= cut.radius) return this.geometry;
    const here = cut && Math.hypot(cut.x - x, cut.y - y) < SPARE_M ? Math.min(cut.radius, 2 * reach) : 0;
    const radius = Math.max(here, SPARE_SHARE * reach + SPARE_M);
    const { xyz, rgb } = cutOut(cloud.cloud, cloud.colours, x, y, radius, cloud.filter);
    this.geometry.dispose();
    this.geometry = pointGeometry(xyz, rgb);
    this.cut = { of: cloud, x, y, radius };
    return this.geometry;
  }

  dispose(): void {
    this.geometry.dispose();
  }
}
