/** Where points and boxes appear in an image: pinhole with Brown–Conrady (1971), and fisheye (Kannala and Brandt, 2006). */

import { BOX_EDGES, type Box, type Vec3, corners } from "./box";
import { type Matrix, apply } from "./transform";

export interface CameraModel {
  readonly model: string;
  /** fx 0 cx, 0 fy cy, 0 0 1, row after row. */
  readonly intrinsics: readonly number[];
  readonly distortion: readonly number[];
  readonly width: number;
  readonly height: number;
}

export type Pixel = readonly [number, number];
export type Segment = readonly [Pixel, Pixel];

const NEAR_M = 0.05;
const BEND_PIECES = 12;
const LARGEST_TANGENT = 20;
const STEPS = 4000;

/** The pixel of a point in the camera's frame (x right, y down, z forward), or null where there is none. */
export function project(camera: CameraModel, point: Vec3): Pixel | null {
  const plane = camera.model === "fisheye"
    ? fisheye(point, camera.distortion) : pinhole(point, camera.distortion);
  if (!plane) return null;
  const k = camera.intrinsics;
  return [k[0] * plane[0] + k[1] * plane[1] + k[2], k[4] * plane[1] + k[5]];
}

function pinhole([x, y, z]: Vec3, distortion: readonly number[]): Pixel | null {
  if (z <= NEAR_M) return null;
  const a = x / z, b = y / z;
  if (!distortion.length) return [a, b];
  const r2 = a * a + b * b;
  if (r2 >= widestTangent(distortion) ** 2) return null;
  const [p1, p2] = [distortion[2] ?? 0, distortion[3] ?? 0];
  const radial = radialOf(r2, distortion);
  return [
    a * radial + 2 * p1 * a * b + p2 * (r2 + 2 * a * a),
    b * radial + p1 * (r2 + 2 * b * b) + 2 * p2 * a * b,
  ];
}

function radialOf(r2: number, k: readonly number[]): number {
  const [k1, k2, k3, k4, k5, k6] = [0, 1, 4, 5, 6, 7].map((i) => k[i] ?? 0);
  return (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)));
}

const widest = new WeakMap<readonly number[], number>();

/** Tangent of the widest angle up to which a ray's image moves outwards; beyond it the polynomial turns back. */
function widestTangent(distortion: readonly number[]): number {
  const known = widest.get(distortion);
  if (known !== undefined) return known;
  let found = Infinity, before = 0;
  for (let i = 1; i <= STEPS; i++) {
    const tangent = LARGEST_TANGENT * i / STEPS;
    const image = tangent * radialOf(tangent * tangent, distortion);
    if (!(image > before)) {
      found = LARGEST_TANGENT * (i - 1) / STEPS;
      break;
    }
    before = image;
  }
  widest.set(distortion, found);
  return found;
}

const FISHEYE_WIDEST = Math.PI * 0.95;

function fisheye([x, y, z]: Vec3, distortion: readonly number[]): Pixel | null {
  const across = Math.hypot(x, y);
  const angle = Math.atan2(across, z);
  if (angle > FISHEYE_WIDEST || (across === 0 && z <= 0)) return null;
  if (angle > widestAngle(distortion)) return null;
  const scale = across > 1e-12 ? bentAngle(angle, distortion) / across : 0;
  return [x * scale, y * scale];
}

function bentAngle(angle: number, k: readonly number[]): number {
  const a2 = angle * angle;
  const [k1, k2, k3, k4] = [0, 1, 2, 3].map((i) => k[i] ?? 0);
  return angle * (1 + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4))));
}

function widestAngle(distortion: readonly number[]): number {
  const known = widest.get(distortion);
  if (known !== undefined) return known;
  let found = FISHEYE_WIDEST, before = 0;
  for (let i = 1; i <= STEPS; i++) {
    const angle = Math.PI * i / STEPS;
    const image = bentAngle(angle, distortion);
    if (!(image > before)) {
      found = Math.PI * (i - 1) / STEPS;
      break;
    }
    before = image;
  }
  widest.set(distortion, found);
  return found;
}

/** A box's edges in the image, cut at the lens's plane; edges that a lens bends come in pieces. */
export function projectBox(camera: CameraModel, cameraFromEgo: Matrix, box: Box): Segment[] {
  const places = corners(box).map((corner) => apply(cameraFromEgo, corner));
  const pieces = camera.distortion.length || camera.model === "fisheye" ? BEND_PIECES : 1;
  return BOX_EDGES.flatMap(([a, b]) => projectEdge(camera, places[a], places[b], pieces));
}

function projectEdge(camera: CameraModel, start: Vec3, end: Vec3, pieces: number): Segment[] {
  let [a, b] = [start, end];
  if (camera.model !== "fisheye") {
    const near = 1.001 * NEAR_M;
    if (a[2] <= near && b[2] <= near) return [];
    if (a[2] < near) a = cut(b, a, near);
    if (b[2] < near) b = cut(a, b, near);
  }
  const pixels = Array.from({ length: pieces + 1 }, (_, i) => project(camera, mix(a, b, i / pieces)));
  return pixels.slice(1).flatMap((to, i): Segment[] => {
    const from = pixels[i];
    return from && to ? [[from, to]] : [];
  });
}

function mix(a: Vec3, b: Vec3, share: number): Vec3 {
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])];
}

function cut(before: Vec3, behind: Vec3, near: number): Vec3 {
  return mix(before, behind, (near - before[2]) / (behind[2] - before[2]));
}

/** How well a camera shows a box: the share of the image it covers, less where it is cut off; 0 when unseen. */
export function visibility(camera: CameraModel, cameraFromEgo: Matrix, box: Box): number {
  const pixels = corners(box).map((corner) => project(camera, apply(cameraFromEgo, corner)));
  const seen = pixels.filter((pixel): pixel is Pixel => pixel !== null
    && pixel[0] >= 0 && pixel[0] < camera.width && pixel[1] >= 0 && pixel[1] < camera.height);
  if (!seen.length) return 0;
  const [xs, ys] = [seen.map((p) => p[0]), seen.map((p) => p[1])];
  const area = (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
  return (seen.length / 8) * (0.05 + area / (camera.width * camera.height));
}
