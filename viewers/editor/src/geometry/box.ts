/** Cuboids and what editing does to them; metres, radians, x forward, y left, z up. */

export type Vec3 = readonly [number, number, number];
export type Axis = 0 | 1 | 2;
export type Sign = 1 | -1;

/** Centre, size along heading × across × up, yaw about +z from +x; pitch and roll are kept, not edited. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly length: number;
  readonly width: number;
  readonly height: number;
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

export const SIZE_KEYS = ["length", "width", "height"] as const;
const BOX_KEYS = ["x", "y", "z", ...SIZE_KEYS, "yaw", "pitch", "roll"] as const;
export const SMALLEST_SIDE_M = 0.05;

/** The angle in (−π, π]. */
export function wrapAngle(angle: number): number {
  const turned = angle - 2 * Math.PI * Math.floor((angle + Math.PI) / (2 * Math.PI));
  return turned === -Math.PI ? Math.PI : turned;
}

export function makeBox(centre: Vec3, size: Vec3, yaw = 0): Box {
  return {
    x: centre[0], y: centre[1], z: centre[2],
    length: size[0], width: size[1], height: size[2],
    yaw: wrapAngle(yaw), pitch: 0, roll: 0,
  };
}

export function sizeOf(box: Box): Vec3 {
  return [box.length, box.width, box.height];
}

/** A point given in the box's own axes (heading, left, up from its centre), in the frame of the box. */
export function fromLocal(box: Box, [a, b, c]: Vec3): Vec3 {
  const cos = Math.cos(box.yaw), sin = Math.sin(box.yaw);
  return [box.x + cos * a - sin * b, box.y + sin * a + cos * b, box.z + c];
}

/** The inverse of `fromLocal`. */
export function toLocal(box: Box, [x, y, z]: Vec3): Vec3 {
  const cos = Math.cos(box.yaw), sin = Math.sin(box.yaw);
  const dx = x - box.x, dy = y - box.y;
  return [cos * dx + sin * dy, cos * dy - sin * dx, z - box.z];
}

export function contains(box: Box, point: Vec3, margin = 0): boolean {
  const [a, b, c] = toLocal(box, point);
  return Math.abs(a) <= box.length / 2 + margin && Math.abs(b) <= box.width / 2 + margin
    && Math.abs(c) <= box.height / 2 + margin;
}

/** Halves of length, width, height: front left above, right above, right below, left below; then the back. */
const CORNER_SIGNS: readonly Vec3[] = [1, -1].flatMap((a) =>
  ([[1, 1], [-1, 1], [-1, -1], [1, -1]] as const).map(([b, c]): Vec3 => [a, b, c]));

/** Pairs of corners. */
export const BOX_EDGES: readonly (readonly [number, number])[] = [
  [0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7],
];

export function corners(box: Box): Vec3[] {
  return CORNER_SIGNS.map(([a, b, c]) =>
    fromLocal(box, [a * box.length / 2, b * box.width / 2, c * box.height / 2]));
}

/** Shift along the box's own axes. */
export function moveLocal(box: Box, by: Vec3): Box {
  const [x, y, z] = fromLocal(box, by);
  return { ...box, x, y, z };
}

/** Move one face outwards by `by` metres; the opposite face stays. */
export function dragFace(box: Box, axis: Axis, sign: Sign, by: number): Box {
  const key = SIZE_KEYS[axis];
  const side = Math.max(SMALLEST_SIDE_M, box[key] + by);
  const shift: [number, number, number] = [0, 0, 0];
  shift[axis] = sign * (side - box[key]) / 2;
  return { ...moveLocal(box, shift), [key]: side };
}

export function rotate(box: Box, by: number): Box {
  return { ...box, yaw: wrapAngle(box.yaw + by) };
}

export function flip(box: Box): Box {
  return rotate(box, Math.PI);
}

/** Let another side be the front: the same volume with its heading a quarter turn to the left. */
export function turnFront(box: Box): Box {
  return { ...rotate(box, Math.PI / 2), length: box.width, width: box.length };
}

export function setOnGround(box: Box, groundZ: number): Box {
  return { ...box, z: groundZ + box.height / 2 };
}

/** Another size; the middle of the bottom stays, as in the store. */
export function resize(box: Box, size: Vec3): Box {
  return { ...box, z: box.z + (size[2] - box.height) / 2, length: size[0], width: size[1], height: size[2] };
}

/** Between two boxes, turning the shorter way; share 0 is `a`, 1 is `b`. */
export function interpolate(a: Box, b: Box, share: number): Box {
  const mix = (from: number, to: number) => from + share * (to - from);
  return {
    x: mix(a.x, b.x), y: mix(a.y, b.y), z: mix(a.z, b.z),
    length: mix(a.length, b.length), width: mix(a.width, b.width), height: mix(a.height, b.height),
    yaw: wrapAngle(a.yaw + share * wrapAngle(b.yaw - a.yaw)),
    pitch: mix(a.pitch, b.pitch), roll: mix(a.roll, b.roll),
  };
}

/** Nearest distance along a ray (unit direction) to a box, or null when it misses. */
export function rayHits(box: Box, origin: Vec3, direction: Vec3): number | null {
  const start = toLocal(box, origin);
  const way = toLocal({ ...box, x: 0, y: 0, z: 0 }, direction);
  let near = 0, far = Infinity;
  for (const axis of [0, 1, 2] as const) {
    const half = box[SIZE_KEYS[axis]] / 2;
    if (Math.abs(way[axis]) < 1e-12) {
      if (Math.abs(start[axis]) > half) return null;
      continue;
    }
    const one = (-half - start[axis]) / way[axis], other = (half - start[axis]) / way[axis];
    near = Math.max(near, Math.min(one, other));
    far = Math.min(far, Math.max(one, other));
  }
  return near <= far ? near : null;
}

/** What a person typed must be finite, and sides long enough to be seen. */
export function isValid(box: Box): boolean {
  return BOX_KEYS.every((key) => Number.isFinite(box[key])) && sizeOf(box).every((side) => side >= SMALLEST_SIDE_M);
}
