/** The mouse in the large view: orbit, pan, zoom, choose, focus, draw, click to fit, measure. */

import type * as THREE from "three";
import { type Box, type Vec3, makeBox, rayHits } from "../geometry/box";
import { groundUnder } from "../geometry/snapping";
import type { Editor } from "../session/editor";
import { draw, fitAt } from "../session/operations";
import { inFrame } from "../state/labels";
import { onPlane, panned, pointAlong, rayThrough, turned, zoomed } from "./orbit";

const CLICK_PX = 4;
const PICK_CONE_RAD = 0.006;
const USUAL_GROUND_M = -1.7;

export interface Rectangle {
  /** Pixels of the view: where the drawing began and where the mouse is. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

interface Drag {
  readonly button: number;
  readonly start: readonly [number, number];
  last: readonly [number, number];
  readonly drawing: "fit" | "free" | null;
  moved: boolean;
}

export class MainMouse {
  private drag: Drag | null = null;

  constructor(
    private readonly element: HTMLElement,
    private readonly editor: Editor,
    private readonly camera: () => THREE.Camera,
    private readonly moving: () => void,
    private readonly drawn: (rectangle: Rectangle | null) => void,
  ) {}

  attach(): () => void {
    const { element } = this;
    const listeners: [string, (event: never) => void, AddEventListenerOptions?][] = [
      ["pointerdown", this.down], ["pointermove", this.move], ["pointerup", this.up], ["pointercancel", this.cancel],
      ["wheel", this.wheel, { passive: false }], ["dblclick", this.focus], ["contextmenu", (event: Event) => event.preventDefault()],
    ];
    for (const [name, listener, options] of listeners) element.addEventListener(name, listener as EventListener, options);
    return () => listeners.forEach(([name, listener]) => element.removeEventListener(name, listener as EventListener));
  }

  private down = (event: PointerEvent): void => {
    this.element.setPointerCapture(event.pointerId);
    const at = this.place(event);
    const drawing = event.button !== 0 ? null : event.ctrlKey || event.metaKey ? "fit" : event.shiftKey ? "free" : null;
    this.drag = { button: event.button, start: at, last: at, drawing, moved: false };
  };

  private move = (event: PointerEvent): void => {
    const { drag } = this;
    if (!drag) return;
    const at = this.place(event);
    const [dx, dy] = [at[0] - drag.last[0], at[1] - drag.last[1]];
    drag.moved ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > CLICK_PX;
    drag.last = at;
    if (!drag.moved) return;
    if (drag.drawing) return this.drawn({ from: drag.start, to: at });
    const { orbit } = this.editor.state;
    this.moving();
    this.editor.update({ orbit: drag.button === 0 ? turned(orbit, dx, dy) : panned(orbit, dx, dy, this.element.clientHeight) });
  };

  private up = (event: PointerEvent): void => {
    const { drag } = this;
    this.cancel();
    if (!drag) return;
    if (drag.moved && drag.drawing) this.finishDrawing(drag);
    else if (!drag.moved && drag.button === 0) this.click(event, drag);
  };

  private cancel = (): void => {
    this.drag = null;
    this.drawn(null);
  };

  private wheel = (event: WheelEvent): void => {
    event.preventDefault();
    this.moving();
    this.editor.update({ orbit: zoomed(this.editor.state.orbit, event.deltaY) });
  };

  private focus = (event: MouseEvent): void => {
    const { orbit, cloud } = this.editor.state;
    const box = this.boxAt(event);
    const target: Vec3 | null = box ? [box.x, box.y, box.z]
      : cloud && pointAlong(this.ray(this.place(event)), cloud.xyz, PICK_CONE_RAD, 0.1);
    if (target) this.editor.update({ orbit: { ...orbit, target, distance: Math.min(orbit.distance, 22) } });
  };

  private click(event: MouseEvent, drag: Drag): void {
    const { state } = this.editor;
    if (state.tape || drag.drawing === "fit") {
      const point = state.cloud && pointAlong(this.ray(drag.start), state.cloud.xyz, PICK_CONE_RAD, 0.05);
      if (!point) return this.editor.notify("no point there");
      if (state.tape) this.editor.update({ tape: [...state.tape, point] });
      else void fitAt(this.editor, point);
      return;
    }
    const hit = this.trackAt(event);
    this.editor.choose(hit);
    if (hit === null) this.takeCluster(event);
  }

  private takeCluster(event: MouseEvent): void {
    const ray = this.ray(this.place(event));
    const cluster = this.editor.state.uncovered?.find(({ box }) => rayHits(box, ray.origin, ray.direction) !== null);
    if (cluster) void fitAt(this.editor, [cluster.box.x, cluster.box.y, cluster.box.z]);
  }

  private finishDrawing(drag: Drag): void {
    const { cloud, orbit } = this.editor.state;
    const corners = [drag.start, drag.last].map((at) => {
      const ray = this.ray(at);
      const rough = onPlane(ray, USUAL_GROUND_M);
      const ground = rough && cloud && groundUnder(makeBox(rough, [4, 4, 3]), cloud);
      return onPlane(ray, ground ?? USUAL_GROUND_M);
    });
    const [from, to] = corners;
    if (from && to) void draw(this.editor, from, [to[0], to[1], from[2]], orbit.azimuth, drag.drawing === "fit");
    else this.editor.notify("draw on the ground, below the horizon");
  }

  private trackAt(event: MouseEvent): number | null {
    const ray = this.ray(this.place(event));
    let nearest = Infinity, found: number | null = null;
    for (const { track, cuboid } of inFrame(this.editor.state.labels, this.editor.state.frame)) {
      const way = rayHits(cuboid, ray.origin, ray.direction);
      if (way !== null && way < nearest) [nearest, found] = [way, track.id];
    }
    return found;
  }

  private boxAt(event: MouseEvent): Box | null {
    const id = this.trackAt(event);
    return id === null ? null : this.editor.state.labels.get(id)?.cuboids.get(this.editor.state.frame) ?? null;
  }

  private place(event: MouseEvent): readonly [number, number] {
    const rect = this.element.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  }

  private ray([x, y]: readonly [number, number]) {
    const { clientWidth, clientHeight } = this.element;
    return rayThrough(this.camera(), 2 * x / clientWidth - 1, 1 - 2 * y / clientHeight);
  }
}
