/** A small view of one frame's points and cuboids, drawn by the cuboid editor's layers. */

import * as THREE from "three";
import { colourPoints } from "../points/colours";
import type { PointCloud } from "../points/decode";
import { BoxLayer, type DrawnBox } from "../views/box_layer";
import { type Orbit, OrbitCameras, START, turned, zoomed } from "../views/orbit";
import { PointLayer } from "../views/point_layer";
import { type Pane, Stage } from "../views/stage";

const POINT_SIZE = 1.4;

export class CloudView implements Pane {
  readonly scene = new THREE.Scene();
  private readonly stage: Stage;
  private readonly points = new PointLayer();
  private readonly boxes = new BoxLayer();
  private readonly cameras = new OrbitCameras();
  private orbit: Orbit = START;
  private readonly leave: () => void;

  constructor(readonly element: HTMLCanvasElement) {
    this.points.setSize(POINT_SIZE);
    this.scene.add(this.points.object, this.boxes.object);
    this.stage = new Stage(element);
    this.stage.add(this);
    this.leave = this.listen();
  }

  camera(aspect: number): THREE.Camera {
    return this.cameras.at(this.orbit, aspect);
  }

  showCloud(frame: number, cloud: PointCloud): void {
    this.points.show(cloud, colourPoints(cloud, "height", []), null);
    this.element.dataset.frame = String(frame);
    this.element.dataset.points = String(cloud.count);
    this.stage.invalidate(this);
  }

  showBoxes(boxes: readonly DrawnBox[]): void {
    this.boxes.show(boxes);
    this.element.dataset.boxes = String(boxes.length);
    this.stage.invalidate(this);
  }

  dispose(): void {
    this.leave();
    this.points.dispose();
    this.boxes.dispose();
    this.stage.dispose();
  }

  private listen(): () => void {
    let last: readonly [number, number] | null = null;
    const look = (orbit: Orbit) => {
      this.orbit = orbit;
      this.stage.invalidate(this);
    };
    const press = (event: PointerEvent) => {
      this.element.setPointerCapture(event.pointerId);
      last = [event.clientX, event.clientY];
    };
    const move = (event: PointerEvent) => {
      if (!last) return;
      look(turned(this.orbit, event.clientX - last[0], event.clientY - last[1]));
      last = [event.clientX, event.clientY];
    };
    const release = () => (last = null);
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      look(zoomed(this.orbit, event.deltaY));
    };
    this.element.addEventListener("pointerdown", press);
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("pointerup", release);
    this.element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      this.element.removeEventListener("pointerdown", press);
      this.element.removeEventListener("pointermove", move);
      this.element.removeEventListener("pointerup", release);
      this.element.removeEventListener("wheel", wheel);
    };
  }
}
