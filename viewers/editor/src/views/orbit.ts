/** The camera of the main view: it circles a target, in perspective or straight from above; pure but for three's cameras. */

import * as THREE from "three";
import type { Vec3 } from "../geometry/box";

export interface Orbit {
  readonly target: Vec3;
  readonly distance: number;
  /** Radians about +z; 0 looks along +x. */
  readonly azimuth: number;
  /** Radians above the horizon. */
  readonly elevation: number;
  readonly fromAbove: boolean;
}

export const START: Orbit = { target: [8, 0, -1], distance: 38, azimuth: 0, elevation: 0.62, fromAbove: false };
const FIELD_OF_VIEW = 50;
const SAMPLES = 2000;
const NEAR_M = 60;

/** Where to look first: about the ego, or at the middle of points of which hardly any are there. */
export function firstLook(xyz: Float32Array): Orbit {
  const step = 3 * Math.max(1, Math.floor(xyz.length / 3 / SAMPLES)), places: Vec3[] = [];
  for (let i = 0; i < xyz.length; i += step) places.push([xyz[i], xyz[i + 1], xyz[i + 2]]);
  const away = ([x, y]: Vec3, from: Vec3) => Math.hypot(x - from[0], y - from[1]);
  if (!places.length || places.filter((place) => away(place, START.target) < NEAR_M).length > 0.01 * places.length) return START;
  const sorted = (values: number[]) => values.sort((a, b) => a - b);
  const [x, y, z] = [0, 1, 2].map((axis) => sorted(places.map((place) => place[axis]))[places.length >> 1]);
  const radius = sorted(places.map((place) => away(place, [x, y, z])))[Math.floor(0.9 * (places.length - 1))];
  return { ...START, target: [x, y, z], distance: Math.min(600, Math.max(START.distance, 1.2 * radius)) };
}

export function turned(orbit: Orbit, dx: number, dy: number): Orbit {
  const elevation = Math.min(1.55, Math.max(-0.1, orbit.elevation + dy * 0.006));
  return { ...orbit, azimuth: orbit.azimuth - dx * 0.006, elevation: orbit.fromAbove ? orbit.elevation : elevation };
}

/** Drag the ground with the mouse; pixels of a view so many pixels high. */
export function panned(orbit: Orbit, dx: number, dy: number, height: number): Orbit {
  const metres = 2 * orbit.distance * Math.tan(THREE.MathUtils.degToRad(FIELD_OF_VIEW / 2)) / height;
  const [cos, sin] = [Math.cos(orbit.azimuth), Math.sin(orbit.azimuth)];
  const [ahead, left] = [dy * metres, dx * metres];
  const [x, y, z] = orbit.target;
  return { ...orbit, target: [x + ahead * cos - left * sin, y + ahead * sin + left * cos, z] };
}

export function zoomed(orbit: Orbit, steps: number): Orbit {
  return { ...orbit, distance: Math.min(600, Math.max(1.5, orbit.distance * 1.0015 ** steps)) };
}

export class OrbitCameras {
  private readonly perspective = new THREE.PerspectiveCamera(FIELD_OF_VIEW, 1, 0.1, 2000);
  private readonly above = new THREE.OrthographicCamera(-1, 1, 1, -1, 0.1, 2000);

  at(orbit: Orbit, aspect: number): THREE.Camera {
    const [x, y, z] = orbit.target;
    const [cos, sin] = [Math.cos(orbit.azimuth), Math.sin(orbit.azimuth)];
    if (orbit.fromAbove) {
      const half = orbit.distance * Math.tan(THREE.MathUtils.degToRad(FIELD_OF_VIEW / 2));
      Object.assign(this.above, { left: -half * aspect, right: half * aspect, top: half, bottom: -half });
      this.above.position.set(x, y, z + 500);
      this.above.up.set(cos, sin, 0);
      this.above.lookAt(x, y, z);
      this.above.updateProjectionMatrix();
      this.above.updateMatrixWorld();
      return this.above;
    }
    const flat = orbit.distance * Math.cos(orbit.elevation);
    this.perspective.aspect = aspect;
    this.perspective.up.set(0, 0, 1);
    this.perspective.position.set(x - flat * cos, y - flat * sin, z + orbit.distance * Math.sin(orbit.elevation));
    this.perspective.lookAt(x, y, z);
    this.perspective.updateProjectionMatrix();
    this.perspective.updateMatrixWorld();
    return this.perspective;
  }
}

/** A ray from the camera through a place of the view, both −1..1. */
export function rayThrough(camera: THREE.Camera, x: number, y: number): { origin: Vec3; direction: Vec3 } {
  const caster = new THREE.Raycaster();
  caster.setFromCamera(new THREE.Vector2(x, y), camera);
  const { origin, direction } = caster.ray;
  return { origin: [origin.x, origin.y, origin.z], direction: [direction.x, direction.y, direction.z] };
}

/** Where a ray meets the level plane at a height, or null when it does not within 500 m. */
export function onPlane(ray: { origin: Vec3; direction: Vec3 }, z: number): Vec3 | null {
  const way = (z - ray.origin[2]) / ray.direction[2];
  if (!Number.isFinite(way) || way <= 0) return null;
  const at: Vec3 = [ray.origin[0] + way * ray.direction[0], ray.origin[1] + way * ray.direction[1], z];
  return Math.hypot(at[0], at[1]) < 500 ? at : null;
}

/** The point nearest to the viewer among those within a cone about the ray; null when there is none. */
export function pointAlong(ray: { origin: Vec3; direction: Vec3 }, xyz: Float32Array, cone: number, least: number): Vec3 | null {
  const [ox, oy, oz] = ray.origin, [dx, dy, dz] = ray.direction;
  let best = -1, nearest = Infinity;
  for (let i = 0; i < xyz.length; i += 3) {
    const px = xyz[i] - ox, py = xyz[i + 1] - oy, pz = xyz[i + 2] - oz;
    const along = px * dx + py * dy + pz * dz;
    if (along <= 0) continue;
    const off2 = px * px + py * py + pz * pz - along * along;
    const reach = Math.max(least, cone * along);
    if (off2 > reach * reach) continue;
    const cost = along + 4 * Math.sqrt(Math.max(0, off2));
    if (cost < nearest) [nearest, best] = [cost, i];
  }
  return best < 0 ? null : [xyz[best], xyz[best + 1], xyz[best + 2]];
}
