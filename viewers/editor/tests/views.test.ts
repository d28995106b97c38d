import { describe, expect, it } from "vitest";
import { makeBox } from "../src/geometry/box";
import { type CameraModel, project, projectBox, visibility } from "../src/geometry/camera";
import { CORNER_GRIPS, EDGE_GRIPS, dragGrip, gripAt, nudge, toPlane } from "../src/geometry/plane_view";
import { groundUnder, pointsIn, shrink, snapFace } from "../src/geometry/snapping";
import { IDENTITY, type Matrix, Poses, apply, invert, moveBox, multiply } from "../src/geometry/transform";
import { isTurned, quarterTurned, sourceAxis } from "../src/geometry/turns";
import { START, firstLook } from "../src/views/orbit";

const turned = makeBox([10, 4, 0.3], [4, 2, 1.5], 0.7);

describe("close views", () => {
  it("show the heading up from above, to the right from the side", () => {
    const nose = [10 + 2 * Math.cos(0.7), 4 + 2 * Math.sin(0.7), 0.3] as const;
    expect(toPlane("top", turned, nose)[1]).toBeCloseTo(2);
    expect(toPlane("side", turned, nose)[0]).toBeCloseTo(2);
    expect(toPlane("front", turned, nose)[0]).toBeCloseTo(0);
  });

  it("move each grip to where it was dragged, in every view", () => {
    for (const plane of ["top", "side", "front"] as const)
      for (const grip of [...EDGE_GRIPS, ...CORNER_GRIPS]) {
        const from = gripAt(plane, turned, turned, grip);
        const by = [grip.kind === "box" && grip.right ? 0.3 : 0, grip.kind === "box" && grip.up ? -0.2 : 0] as const;
        const dragged = dragGrip(plane, turned, turned, grip, from, [from[0] + by[0], from[1] + by[1]]);
        const now = gripAt(plane, turned, dragged, grip);
        expect(now[0]).toBeCloseTo(from[0] + by[0], 9);
        expect(now[1]).toBeCloseTo(from[1] + by[1], 9);
      }
  });

  it("turn the box by its heading handle: 90° to the left", () => {
    const from = gripAt("top", turned, turned, { kind: "heading" });
    const dragged = dragGrip("top", turned, turned, { kind: "heading" }, from, [-from[1], 0]);
    expect(dragged.yaw).toBeCloseTo(0.7 + Math.PI / 2);
  });

  it("nudge right in the top view to the object's right", () => {
    const box = nudge("top", makeBox([0, 0, 0], [4, 2, 1]), [0.5, 0]);
    expect(box.y).toBeCloseTo(-0.5);
  });
});

describe("the first look", () => {
  const around = (x: number, y: number) =>
    new Float32Array(Array.from({ length: 300 }, (_, i) => [x + 90 * Math.cos(i), y + 90 * Math.sin(i), 3]).flat());
  it("is about the ego where there are points, else at the points", () => {
    expect(firstLook(new Float32Array())).toBe(START);
    expect(firstLook(new Float32Array([...around(2000, 0), ...around(20, 30)]))).toBe(START);
    const far = firstLook(around(-3000, 700));
    expect(Math.hypot(far.target[0] + 3000, far.target[1] - 700)).toBeLessThan(10);
    expect(far.distance).toBeCloseTo(108, -1);
  });
});

describe("fitting", () => {
  const xyz = new Float32Array([9, 3, 0, 11, 5, 0.2, 10, 4, 0.9, 10.5, 4, -0.8, 30, 0, 0]);
  const box = makeBox([10, 4, 0], [6, 6, 4]);

  it("finds the points inside", () => expect(pointsIn(box, { xyz })).toEqual([0, 1, 2, 3]));

  it("shrinks to the points and leaves ground out", () => {
    const fitted = shrink(box, { xyz });
    expect(fitted.length).toBeCloseTo(2, 5);
    expect(fitted.z + fitted.height / 2).toBeCloseTo(0.9, 5);
    expect(fitted.z - fitted.height / 2).toBeCloseTo(-0.8, 5);
    const raised = shrink(box, { xyz, ground: new Uint8Array([0, 0, 0, 1, 0]) });
    expect(raised.z - raised.height / 2).toBeCloseTo(0, 5);
  });

  it("leaves a box alone that holds nothing", () => {
    const empty = makeBox([50, 50, 0], [4, 2, 1]);
    expect(shrink(empty, { xyz })).toEqual(empty);
    expect(snapFace(empty, 0, 1, { xyz })).toEqual(empty);
    expect(groundUnder(empty, { xyz })).toBeNull();
  });
});

describe("transforms", () => {
  const turn = [0, -1, 0, 5, 1, 0, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1];
  it("invert and multiply to nothing", () =>
    multiply(turn, invert(turn)).forEach((v, i) => expect(v).toBeCloseTo(i % 5 ? 0 : 1)));

  it("carry a parked car from frame to frame: seen 10 m nearer after driving 10 m", () => {
    const poses = new Poses([0, 10].map((x) => [1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]));
    expect(poses.carry(makeBox([30, 2, 0], [4, 2, 1]), 0, 1).x).toBeCloseTo(20);
    expect(moveBox(turn, makeBox([1, 0, 0], [4, 2, 1], 0.1)).yaw).toBeCloseTo(0.1 + Math.PI / 2);
    expect(apply(turn, [1, 0, 0])).toEqual([5, 7, 7]);
  });
});

describe("cameras", () => {
  const pinhole: CameraModel = { model: "pinhole", intrinsics: [700, 0, 600, 0, 700, 180, 0, 0, 1], distortion: [], width: 1200, height: 360 };
  const cameraFromEgo = [0, -1, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, 0, 0, 0, 1];

  it("see a point 1 m to the right, 10 m ahead, 70 pixels right of the middle", () =>
    expect(project(pinhole, apply(cameraFromEgo, [10, -1, 0]))).toEqual([670, 180]));

  it("honour distortion, and lose what it would fold back into the image", () => {
    const bent = { ...pinhole, distortion: [-0.4, 0.05, 0, 0] };
    expect(project(bent, [1, 0, 2])?.[0]).toBeLessThan(950);
    expect(project(bent, [100, 0, 2])).toBeNull();
  });

  it("draw twelve edges of a box ahead, none behind, and cut what passes the lens", () => {
    expect(projectBox(pinhole, cameraFromEgo, makeBox([10, 0, 0], [4, 2, 1]))).toHaveLength(12);
    expect(projectBox(pinhole, cameraFromEgo, makeBox([-10, 0, 0], [4, 2, 1]))).toHaveLength(0);
    const around = projectBox(pinhole, cameraFromEgo, makeBox([1, 0, 0], [4, 2, 1]));
    expect(around.length).toBeGreaterThan(4);
    expect(around.flat(2).every(Number.isFinite)).toBe(true);
  });

  it("prefer the camera that shows more of the box", () => {
    expect(visibility(pinhole, cameraFromEgo, makeBox([10, 0, 0], [4, 2, 1])))
      .toBeGreaterThan(visibility(pinhole, cameraFromEgo, makeBox([40, 0, 0], [4, 2, 1])));
    expect(visibility(pinhole, cameraFromEgo, makeBox([-10, 0, 0], [4, 2, 1]))).toBe(0);
  });

  it("see with a fisheye at 90° from the axis", () => {
    const fisheye = { ...pinhole, model: "fisheye", distortion: [0.01, 0, 0, 0] };
    expect(project(fisheye, [5, 0, 0])?.[0]).toBeGreaterThan(1600);
    expect(project(fisheye, [0, 0, -1])).toBeNull();
  });
});

describe("quarter turns", () => {
  it("name the axes of the source and come round after four", () => {
    expect([0, 1, 2].map((row) => sourceAxis(IDENTITY, row as 0 | 1 | 2))).toEqual(["+x", "+y", "+z"]);
    const left = quarterTurned(IDENTITY, "z");
    expect(apply(left, [1, 0, 0])).toEqual([0, 1, 0]);
    expect(sourceAxis(left, 0)).toBe("−y");
    expect(isTurned(left)).toBe(true);
    for (const axis of ["x", "y", "z"] as const) {
      const round = [1, 2, 3, 4].reduce((turn: Matrix) => quarterTurned(turn, axis), IDENTITY);
      expect(isTurned(round)).toBe(false);
    }
  });
});
