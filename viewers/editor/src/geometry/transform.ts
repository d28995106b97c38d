/** Rigid transforms as 16 numbers, row after row; `a_from_b` takes points of b into a. */

import { type Box, type Vec3, interpolate, wrapAngle } from "./box";

export type Matrix = readonly number[];

export const IDENTITY: Matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

export function apply(m: Matrix, [x, y, z]: Vec3): Vec3 {
  return [
    m[0] * x + m[1] * y + m[2] * z + m[3],
    m[4] * x + m[5] * y + m[6] * z + m[7],
    m[8] * x + m[9] * y + m[10] * z + m[11],
  ];
}

/** Of a rigid transform: the rotation transposed. */
export function invert(m: Matrix): Matrix {
  const back = (i: number) => -(m[i] * m[3] + m[i + 4] * m[7] + m[i + 8] * m[11]);
  return [m[0], m[4], m[8], back(0), m[1], m[5], m[9], back(1), m[2], m[6], m[10], back(2), 0, 0, 0, 1];
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  const out = new Array<number>(16).fill(0);
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 4; column++)
      for (let k = 0; k < 4; k++) out[4 * row + column] += a[4 * row + k] * b[4 * k + column];
  return out;
}

/** The turn about z that a transform makes of the x axis. */
export function headingOf(m: Matrix): number {
  return Math.atan2(m[4], m[0]);
}

export function moveBox(m: Matrix, box: Box): Box {
  const [x, y, z] = apply(m, [box.x, box.y, box.z]);
  const [cos, sin] = [Math.cos(box.yaw), Math.sin(box.yaw)];
  const yaw = Math.atan2(m[4] * cos + m[5] * sin, m[0] * cos + m[1] * sin);
  return { ...box, x, y, z, yaw: wrapAngle(yaw) };
}

/** Poses of the ego; where a recording has none the ego stands still. */
export class Poses {
  constructor(private readonly worldFromEgo: readonly Matrix[] | null) {}

  at(frame: number): Matrix {
    return this.worldFromEgo?.[frame] ?? IDENTITY;
  }

  /** Where a box that stands still in the world is, seen from another frame. */
  carry(box: Box, from: number, to: number): Box {
    if (from === to || !this.worldFromEgo) return box;
    return moveBox(multiply(invert(this.at(to)), this.at(from)), box);
  }

  /** A box between two keyframes, moving evenly over ground. */
  between(a: Box, frameA: number, b: Box, frameB: number, frame: number): Box {
    const [inWorldA, inWorldB] = [moveBox(this.at(frameA), a), moveBox(this.at(frameB), b)];
    const share = (frame - frameA) / (frameB - frameA);
    return moveBox(invert(this.at(frame)), interpolate(inWorldA, inWorldB, share));
  }
}
