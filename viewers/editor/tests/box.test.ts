import { describe, expect, it } from "vitest";
import {
  type Box, contains, corners, dragFace, flip, fromLocal, interpolate, isValid, makeBox, moveLocal, rayHits, resize, rotate,
  setOnGround, toLocal, turnFront, wrapAngle,
} from "../src/geometry/box";

const random = (() => {
  let seed = 7;
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
})();
const anyBox = (): Box => makeBox(
  [random() * 80 - 40, random() * 80 - 40, random() * 4 - 2], [1 + 5 * random(), 1 + 2 * random(), 1 + random()], 7 * random() - 3.5);
const boxes = Array.from({ length: 200 }, anyBox);

describe("boxes", () => {
  it("wraps angles into (−π, π]", () => {
    expect(wrapAngle(Math.PI)).toBe(Math.PI);
    expect(wrapAngle(-Math.PI)).toBe(Math.PI);
    expect(wrapAngle(3 * Math.PI / 2)).toBeCloseTo(-Math.PI / 2);
    for (let i = 0; i < 200; i++) {
      const angle = 100 * (random() - 0.5);
      expect(Math.cos(wrapAngle(angle) - angle)).toBeCloseTo(1);
      expect(Math.abs(wrapAngle(angle))).toBeLessThanOrEqual(Math.PI);
    }
  });

  it("finds corners worked out by hand: 4 × 2 × 1 at (10, 5, 0), heading left", () => {
    const [front] = corners(makeBox([10, 5, 0], [4, 2, 1], Math.PI / 2));
    expect(front[0]).toBeCloseTo(9);
    expect(front[1]).toBeCloseTo(7);
    expect(front[2]).toBeCloseTo(0.5);
  });

  it("goes into the box's axes and back", () => {
    for (const box of boxes) {
      const point = [random() * 9, random() * 9, random()] as const;
      fromLocal(box, toLocal(box, point)).forEach((value, i) => expect(value).toBeCloseTo(point[i], 9));
    }
  });

  it("drags one face and leaves the opposite one", () => {
    for (const box of boxes)
      for (const axis of [0, 1, 2] as const)
        for (const sign of [1, -1] as const) {
          const dragged = dragFace(box, axis, sign, 0.7);
          const face = (of: Box, side: number) => {
            const local: [number, number, number] = [0, 0, 0];
            local[axis] = side * [of.length, of.width, of.height][axis] / 2;
            return toLocal(box, fromLocal(of, local))[axis];
          };
          expect(face(dragged, -sign)).toBeCloseTo(face(box, -sign), 9);
          expect(face(dragged, sign)).toBeCloseTo(face(box, sign) + sign * 0.7, 9);
        }
  });

  it("never lets a side vanish", () => {
    expect(isValid(dragFace(makeBox([0, 0, 0], [1, 1, 1]), 0, 1, -50))).toBe(true);
    expect(isValid({ ...makeBox([0, 0, 0], [1, 1, 1]), x: NaN })).toBe(false);
  });

  it("flips twice to the same, turns its front four times to the same", () => {
    for (const box of boxes) {
      expect(flip(flip(box)).yaw).toBeCloseTo(box.yaw);
      const turned = turnFront(turnFront(turnFront(turnFront(box))));
      expect(turned.length).toBe(box.length);
      expect(Math.cos(turned.yaw - box.yaw)).toBeCloseTo(1);
      const inside = fromLocal(box, [0.49 * box.length, 0.49 * box.width, 0]);
      expect(contains(turnFront(box), inside)).toBe(true);
    }
  });

  it("resizes with the middle of its bottom in place", () => {
    const large = resize(makeBox([10, 0, 0], [4, 2, 1.5]), [5, 2, 2]);
    expect([large.x, large.z - large.height / 2, large.length]).toEqual([10, -0.75, 5]);
  });

  it("interpolates the shorter way round", () => {
    const a = rotate(makeBox([0, 0, 0], [4, 2, 1]), 3.1), b = rotate(makeBox([2, 0, 0], [4, 2, 1]), -3.1);
    const middle = interpolate(a, b, 0.5);
    expect(middle.x).toBeCloseTo(1);
    expect(Math.abs(middle.yaw)).toBeGreaterThan(3.1);
  });

  it("is hit by rays through its middle and missed beside it", () => {
    for (const box of boxes) {
      const from = [box.x - 100, box.y, box.z] as const;
      expect(rayHits(box, from, [1, 0, 0])).toBeGreaterThan(80);
      expect(rayHits(box, [from[0], from[1], box.z + box.height], [1, 0, 0])).toBeNull();
      expect(rayHits(box, from, [-1, 0, 0])).toBeNull();
    }
  });

  it("stands on the ground", () => {
    const box = setOnGround(makeBox([0, 0, 3], [4, 2, 1.6]), -1.7);
    expect(box.z - box.height / 2).toBeCloseTo(-1.7);
    expect(moveLocal(box, [1, 0, 0]).x).toBeCloseTo(1);
  });
});
