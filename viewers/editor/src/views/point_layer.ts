/** Points on the graphics card, of which a part may be drawn: any first so many are a coarser cloud. */

import * as THREE from "three";
import type { PointCloud } from "../points/decode";
import { pointsMaterial } from "./points_material";
import { PIXEL_RATIO } from "./stage";

/** A whole coarser cloud has at most so many points; slow machines draw it while the view moves. */
export const COARSE_POINTS = 45_000;

export class PointLayer {
  readonly object: THREE.Points<THREE.BufferGeometry, THREE.RawShaderMaterial>;
  private index: Uint32Array | null = null;
  private levels: readonly number[] = [];
  count = 0;

  constructor() {
    this.object = new THREE.Points(new THREE.BufferGeometry(), pointsMaterial());
    this.object.frustumCulled = false;
  }

  show(cloud: PointCloud, colours: Uint8Array, index: Uint32Array | null): void {
    this.object.geometry.dispose();
    this.object.geometry = pointGeometry(cloud.xyz, colours);
    this.index = index;
    this.count = index ? index.length : cloud.count;
    this.levels = cloud.levels;
    if (index) this.object.geometry.setIndex(new THREE.BufferAttribute(index, 1));
  }

  /** Draw what another owns. */
  borrow(geometry: THREE.BufferGeometry): void {
    this.object.geometry = geometry;
  }

  recolour(colours: Uint8Array): void {
    this.object.geometry.setAttribute("color", new THREE.BufferAttribute(colours, 3, true));
  }

  setSize(size: number): void {
    this.object.material.uniforms.size.value = size * PIXEL_RATIO;
  }

  /** From now on only these are drawn, in the order of the cloud. */
  limit(first: number, count: number): void {
    this.object.geometry.setDrawRange(first, count);
  }

  /** How many of the first points make a whole coarser cloud. */
  get coarse(): number {
    if (this.count <= COARSE_POINTS) return this.count;
    const level = this.levels.find((n) => n <= COARSE_POINTS) ?? COARSE_POINTS;
    return this.index ? lowerBound(this.index, level) : level;
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
  }
}

export function pointGeometry(xyz: Float32Array, colours: Uint8Array): THREE.BufferGeometry {
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.BufferAttribute(xyz, 3));
  geometry.setAttribute("color", new THREE.BufferAttribute(colours, 3, true));
  return geometry;
}

function lowerBound(sorted: Uint32Array, value: number): number {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
