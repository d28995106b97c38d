/** All cuboids of a frame as lines with an arrow for the heading; the chosen one with tinted faces. */

import * as THREE from "three";
import { BOX_EDGES, type Box, type Vec3, corners, fromLocal } from "../geometry/box";

export interface DrawnBox {
  readonly box: Box;
  readonly colour: string;
  readonly chosen: boolean;
  /** Proposals that nobody has judged are drawn fainter. */
  readonly open: boolean;
}

const ARROW_M = 0.9;

export class BoxLayer {
  readonly object = new THREE.Group();
  private readonly lines: THREE.LineSegments<THREE.BufferGeometry, THREE.LineBasicMaterial>;
  private readonly faces: THREE.Mesh<THREE.BoxGeometry, THREE.MeshBasicMaterial>;

  constructor() {
    this.lines = new THREE.LineSegments(new THREE.BufferGeometry(), new THREE.LineBasicMaterial({ vertexColors: true }));
    this.lines.frustumCulled = false;
    this.faces = new THREE.Mesh(
      new THREE.BoxGeometry(1, 1, 1),
      new THREE.MeshBasicMaterial({ transparent: true, opacity: 0.28, depthWrite: false, side: THREE.DoubleSide }));
    this.faces.visible = false;
    this.object.add(this.lines, this.faces);
  }

  show(boxes: readonly DrawnBox[]): void {
    const places: number[] = [], colours: number[] = [];
    this.faces.visible = false;
    for (const drawn of boxes) {
      const colour = tint(drawn);
      for (const [a, b] of linesOf(drawn.box)) {
        places.push(...a, ...b);
        colours.push(colour.r, colour.g, colour.b, colour.r, colour.g, colour.b);
      }
      if (drawn.chosen) this.fill(drawn.box, drawn.colour);
    }
    this.lines.geometry.dispose();
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.Float32BufferAttribute(places, 3));
    geometry.setAttribute("color", new THREE.Float32BufferAttribute(colours, 3));
    this.lines.geometry = geometry;
  }

  dispose(): void {
    this.lines.geometry.dispose();
    this.lines.material.dispose();
    this.faces.geometry.dispose();
    this.faces.material.dispose();
  }

  private fill(box: Box, colour: string): void {
    this.faces.visible = true;
    this.faces.material.color.set(colour);
    this.faces.position.set(box.x, box.y, box.z);
    this.faces.rotation.set(0, 0, box.yaw);
    this.faces.scale.set(box.length, box.width, box.height);
  }
}

function tint({ colour, chosen, open }: DrawnBox): THREE.Color {
  const tinted = new THREE.Color(colour);
  if (chosen) return tinted.lerp(new THREE.Color("#ffffff"), 0.55);
  return open ? tinted.multiplyScalar(0.75) : tinted;
}

function linesOf(box: Box): [Vec3, Vec3][] {
  const at = corners(box);
  const nose = fromLocal(box, [box.length / 2, 0, 0]);
  return [
    ...BOX_EDGES.map(([a, b]): [Vec3, Vec3] => [at[a], at[b]]),
    [nose, fromLocal(box, [box.length / 2 + ARROW_M, 0, 0])],
    [at[2], nose], [at[3], nose],
  ];
}

/** Open lines of one colour: trajectories, the measuring tape, radar arrows. */
export class LineLayer {
  readonly object: THREE.LineSegments<THREE.BufferGeometry, THREE.LineBasicMaterial>;

  constructor(colour: string) {
    this.object = new THREE.LineSegments(new THREE.BufferGeometry(), new THREE.LineBasicMaterial({ color: colour, depthTest: false }));
    this.object.frustumCulled = false;
  }

  show(segments: readonly (readonly [Vec3, Vec3])[]): void {
    this.object.geometry.dispose();
    this.object.geometry = new THREE.BufferGeometry();
    this.object.geometry.setAttribute("position", new THREE.Float32BufferAttribute(segments.flat(2), 3));
    this.object.visible = segments.length > 0;
  }
}
