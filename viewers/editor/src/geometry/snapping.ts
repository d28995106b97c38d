/** Fitting boxes to the points in and around them, in the browser, at once. */

import { type Axis, type Box, SIZE_KEYS, SMALLEST_SIDE_M, type Sign, type Vec3, dragFace } from "./box";

/** (N, 3) coordinates one after another and, where known, 1 for points on the ground. */
export interface Points {
  readonly xyz: Float32Array;
  readonly ground?: Uint8Array;
}

/** Indices of the points within `margin` of the box. */
export function pointsIn(box: Box, points: Points, margin = 0): number[] {
  const { xyz } = points;
  const cos = Math.cos(box.yaw), sin = Math.sin(box.yaw);
  const [a, b, c] = [box.length / 2 + margin, box.width / 2 + margin, box.height / 2 + margin];
  const reach = Math.hypot(a, b), found: number[] = [];
  for (let i = 0; i < xyz.length; i += 3) {
    const dx = xyz[i] - box.x, dy = xyz[i + 1] - box.y;
    if (Math.abs(dx) > reach || Math.abs(dy) > reach || Math.abs(xyz[i + 2] - box.z) > c) continue;
    if (Math.abs(cos * dx + sin * dy) <= a && Math.abs(cos * dy - sin * dx) <= b) found.push(i / 3);
  }
  return found;
}

function local(box: Box, xyz: Float32Array, index: number): Vec3 {
  const cos = Math.cos(box.yaw), sin = Math.sin(box.yaw), i = 3 * index;
  const dx = xyz[i] - box.x, dy = xyz[i + 1] - box.y;
  return [cos * dx + sin * dy, cos * dy - sin * dx, xyz[i + 2] - box.z];
}

function objectPoints(box: Box, points: Points, margin: number): number[] {
  return pointsIn(box, points, margin).filter((i) => !points.ground?.[i]);
}

/** Move one face to the outermost point of the object inside the box or within `margin` of it. */
export function snapFace(box: Box, axis: Axis, sign: Sign, points: Points, margin = 0): Box {
  const half = box[SIZE_KEYS[axis]] / 2;
  let outermost = -Infinity;
  for (const i of objectPoints(box, points, margin)) {
    const along = local(box, points.xyz, i);
    const besides = ([0, 1, 2] as const).every((other) =>
      other === axis || Math.abs(along[other]) <= box[SIZE_KEYS[other]] / 2);
    if (besides) outermost = Math.max(outermost, sign * along[axis]);
  }
  return outermost > -half + SMALLEST_SIDE_M ? dragFace(box, axis, sign, outermost - half) : box;
}

/** Shrink every face to the outermost point inside; a box with fewer than 3 points stays as it is. */
export function shrink(box: Box, points: Points): Box {
  if (objectPoints(box, points, 0).length < 3) return box;
  let fitted = box;
  for (const axis of [0, 1, 2] as const)
    for (const sign of [1, -1] as const) fitted = snapFace(fitted, axis, sign, points);
  return fitted;
}

/** Height of the ground under and around a box: of ground points where marked, else of the lowest. */
export function groundUnder(box: Box, points: Points): number | null {
  const around: Box = { ...box, length: box.length + 4, width: box.width + 4, height: box.height + 6 };
  const near = pointsIn(around, points);
  const ground = near.filter((i) => points.ground?.[i]);
  const heights = (ground.length >= 3 ? ground : near).map((i) => points.xyz[3 * i + 2]).sort((p, q) => p - q);
  if (!heights.length) return null;
  return heights[Math.floor((heights.length - 1) * (ground.length >= 3 ? 0.5 : 0.02))];
}

/** Lowest and highest of the points in a column, ground left out; null when there are none. */
export function heightRange(box: Box, points: Points): readonly [number, number] | null {
  const heights = objectPoints({ ...box, height: 8 }, points, 0).map((i) => points.xyz[3 * i + 2]);
  return heights.length ? [Math.min(...heights), Math.max(...heights)] : null;
}
