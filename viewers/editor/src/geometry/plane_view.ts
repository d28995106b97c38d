/** The three close views of a cuboid as planes: what is right and up in each, and dragging in them. */

import { type Axis, type Box, SIZE_KEYS, type Sign, type Vec3, dragFace, fromLocal, moveLocal, rotate, toLocal } from "./box";

export type PlaneName = "top" | "side" | "front";

interface Direction {
  readonly axis: Axis;
  readonly sign: Sign;
}

/** Seen from above with the heading up; from its right with the heading to the right; from behind. */
export const PLANES: Readonly<Record<PlaneName, { readonly right: Direction; readonly up: Direction }>> = {
  top: { right: { axis: 1, sign: -1 }, up: { axis: 0, sign: 1 } },
  side: { right: { axis: 0, sign: 1 }, up: { axis: 2, sign: 1 } },
  front: { right: { axis: 1, sign: -1 }, up: { axis: 2, sign: 1 } },
};

export type Point2 = readonly [number, number];

/** Where the middle, an edge (one of ±1, the other 0) or a corner (both ±1) is; or the heading's handle. */
export type Grip = { readonly kind: "box"; readonly right: -1 | 0 | 1; readonly up: -1 | 0 | 1 } | { readonly kind: "heading" };

export const EDGE_GRIPS: readonly Grip[] = ([[0, 1], [0, -1], [1, 0], [-1, 0]] as const)
  .map(([right, up]) => ({ kind: "box", right, up }));
export const CORNER_GRIPS: readonly Grip[] = ([[1, 1], [-1, 1], [-1, -1], [1, -1]] as const)
  .map(([right, up]) => ({ kind: "box", right, up }));

/** Metres right and up of the view's middle, of a point in the frame of the box on which the view stands. */
export function toPlane(plane: PlaneName, view: Box, point: Vec3): Point2 {
  const { right, up } = PLANES[plane], local = toLocal(view, point);
  return [right.sign * local[right.axis], up.sign * local[up.axis]];
}

/** Right and up of a box's grip. */
export function gripAt(plane: PlaneName, view: Box, box: Box, grip: Grip): Point2 {
  const { right, up } = PLANES[plane];
  const local: [number, number, number] = [0, 0, 0];
  if (grip.kind === "heading") {
    local[0] = box.length / 2 + headingReach(box);
  } else {
    local[right.axis] = grip.right * right.sign * box[SIZE_KEYS[right.axis]] / 2;
    local[up.axis] = grip.up * up.sign * box[SIZE_KEYS[up.axis]] / 2;
  }
  return toPlane(plane, view, fromLocal(box, local));
}

export function headingReach(box: Box): number {
  return 0.25 * Math.max(box.length, box.width) + 0.2;
}

/** The outline of a box in a view: four corners, left above first in no particular turn. */
export function outline(plane: PlaneName, view: Box, box: Box): Point2[] {
  return CORNER_GRIPS.map((grip) => gripAt(plane, view, box, grip));
}

/** The box after its grip went from one place of the view to another. */
export function dragGrip(plane: PlaneName, view: Box, box: Box, grip: Grip, from: Point2, to: Point2): Box {
  const { right, up } = PLANES[plane];
  if (grip.kind === "heading") {
    const centre = toPlane(plane, view, [box.x, box.y, box.z]);
    const angle = (p: Point2) => Math.atan2(p[1] - centre[1], p[0] - centre[0]);
    return rotate(box, angle(to) - angle(from));
  }
  const moved = planeMove(plane, view, [to[0] - from[0], to[1] - from[1]]);
  const own = toLocal({ ...box, x: 0, y: 0, z: 0 }, moved);
  if (!grip.right && !grip.up) return moveLocal(box, own);
  let dragged = box;
  for (const [direction, side] of [[right, grip.right], [up, grip.up]] as const) {
    if (!side) continue;
    const sign = (side * direction.sign) as Sign;
    dragged = dragFace(dragged, direction.axis, sign, sign * own[direction.axis]);
  }
  return dragged;
}

/** Right and up of a view as a vector in the frame of the box. */
function planeMove(plane: PlaneName, view: Box, by: Point2): Vec3 {
  const { right, up } = PLANES[plane];
  const local: [number, number, number] = [0, 0, 0];
  local[right.axis] += right.sign * by[0];
  local[up.axis] += up.sign * by[1];
  return fromLocal({ ...view, x: 0, y: 0, z: 0 }, local);
}

/** Shift a box right and up as its view shows it. */
export function nudge(plane: PlaneName, box: Box, by: Point2): Box {
  return dragGrip(plane, box, box, { kind: "box", right: 0, up: 0 }, [0, 0], by);
}

/** Half the height in metres that shows a box with some surroundings in a view of this shape. */
export function halfHeight(plane: PlaneName, view: Box, aspect: number, zoom = 1): number {
  const { right, up } = PLANES[plane];
  const [across, high] = [view[SIZE_KEYS[right.axis]], view[SIZE_KEYS[up.axis]]];
  const reach = plane === "top" ? high / 2 + headingReach(view) : high / 2; // the heading's handle is in the view too
  return zoom * Math.max(0.5, reach * 1.2, high / 2 * 1.7, across / 2 * 1.7 / aspect);
}
