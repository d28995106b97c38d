/** Quarter turns about the axes, to say which way of a source is forward and up; pure. */

import type { Vec3 } from "./box";
import { IDENTITY, type Matrix, multiply } from "./transform";

const QUARTERS: Readonly<Record<"x" | "y" | "z", Matrix>> = {
  x: [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1],
  y: [0, 0, 1, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 0, 1],
  z: [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
};
const NAMES = ["x", "y", "z"];

/** `ego_from_source` after a further turn by +90° about an axis of the ego. */
export function quarterTurned(turn: Matrix, axis: "x" | "y" | "z"): Matrix {
  return multiply(QUARTERS[axis], turn);
}

export function isTurned(turn: Matrix): boolean {
  return turn.some((value, i) => value !== IDENTITY[i]);
}

/** Which axis of the source points forward, left or up (row 0, 1, 2 of `ego_from_source`): "+y". */
export function sourceAxis(turn: Matrix, row: 0 | 1 | 2): string {
  const parts: Vec3 = [turn[4 * row], turn[4 * row + 1], turn[4 * row + 2]];
  const largest = parts.reduce((best, value, i) => (Math.abs(value) > Math.abs(parts[best]) ? i : best), 0);
  return `${parts[largest] < 0 ? "−" : "+"}${NAMES[largest]}`;
}
