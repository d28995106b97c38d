/** Points on the graphics card; fewer of them while the view moves, all when it rests. */

import * as THREE from "three";
import type { PointCloud } from "../points/decode";

/** Points drawn while the view moves on a machine that cannot draw all of them in time. */
const MOVING_POINTS = 45_000;

export class PointLayer {
  readonly object: THREE.Points<THREE.BufferGeometry, THREE.PointsMaterial>;
  private index: Uint32Array | null = null;
  private count = 0;
  private levels: readonly number[] = [];

  constructor(size: number) {
    const material = new THREE.PointsMaterial({ size, sizeAttenuation: false, vertexColors: true });
    this.object = new THREE.Points(new THREE.BufferGeometry(), material);
    this.object.frustumCulled = false;
  }

  show(cloud: PointCloud, colours: Uint8Array, index: Uint32Array | null): void {
    this.set(cloud.xyz, colours);
    this.index = index;
    this.count = index ? index.length : cloud.count;
    this.levels = cloud.levels;
    if (index) this.object.geometry.setIndex(new THREE.BufferAttribute(index, 1));
  }

  /** Plain points without levels. */
  set(xyz: Float32Array, colours: Uint8Array): void {
    this.object.geometry.dispose();
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(xyz, 3));
    geometry.setAttribute("color", new THREE.BufferAttribute(colours, 3, true));
    this.object.geometry = geometry;
    this.index = null;
    this.count = xyz.length / 3;
    this.levels = [];
  }

  recolour(colours: Uint8Array): void {
    this.object.geometry.setAttribute("color", new THREE.BufferAttribute(colours, 3, true));
  }

  setSize(size: number): void {
    this.object.material.size = size;
  }

  setMoving(moving: boolean): void {
    this.object.geometry.setDrawRange(0, moving ? this.coarseCount() : Infinity);
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
  }

  /** How many of the first points make a whole coarser cloud within the budget for moving. */
  private coarseCount(): number {
    if (this.count <= MOVING_POINTS) return this.count;
    const level = this.levels.find((n) => n <= MOVING_POINTS) ?? MOVING_POINTS;
    return this.index ? lowerBound(this.index, level) : level;
  }
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
