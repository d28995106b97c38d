/** The points of a view as a picture with depth, drawn once and a slice at a time; boxes are drawn over it again and again. */

import * as THREE from "three";
import { PointLayer } from "./point_layer";
import { PIXEL_RATIO } from "./stage";

const VERTEX = `
in vec3 position;
out vec2 place;
void main() {
  place = position.xy * 0.5 + 0.5;
  gl_Position = vec4(position.xy, 0.0, 1.0);
}`;
const FRAGMENT = `
precision highp float;
uniform sampler2D picture;
uniform highp sampler2D depth;
in vec2 place;
out vec4 pixel;
void main() {
  float far = texture(depth, place).r;
  if (far >= 1.0) discard;
  pixel = texture(picture, place);
  gl_FragDepth = far;
}`;
const BRISK_MS = 24;
const SLUGGISH_MS = 60;
const LEAST_SLICE = 15_000;

export class Backdrop {
  readonly points = new PointLayer();
  private readonly scene = new THREE.Scene();
  private readonly copy = new THREE.Scene();
  private readonly flat = new THREE.Camera();
  private readonly sheet: THREE.Mesh<THREE.BufferGeometry, THREE.RawShaderMaterial>;
  private readonly target: THREE.WebGLRenderTarget;
  /** How many points the picture has so far. */
  private drawn = 0;
  /** How many more are drawn at once; grows where that is quick. */
  private slice = 0;
  private moving = false;

  constructor() {
    this.scene.add(this.points.object);
    this.target = new THREE.WebGLRenderTarget(1, 1, { minFilter: THREE.NearestFilter, magFilter: THREE.NearestFilter, depthTexture: new THREE.DepthTexture(1, 1) });
    const corners = new THREE.BufferGeometry();
    corners.setAttribute("position", new THREE.Float32BufferAttribute([-1, -1, 0, 3, -1, 0, -1, 3, 0], 3));
    this.sheet = new THREE.Mesh(corners, new THREE.RawShaderMaterial({
      glslVersion: THREE.GLSL3, vertexShader: VERTEX, fragmentShader: FRAGMENT, depthFunc: THREE.AlwaysDepth,
      uniforms: { picture: { value: this.target.texture }, depth: { value: this.target.depthTexture } },
    }));
    this.sheet.frustumCulled = false;
    this.copy.add(this.sheet);
  }

  /** What it shows has changed: the picture is begun anew. */
  restart(): void {
    this.drawn = 0;
  }

  /** While the view moves on a slow machine, a coarser cloud is drawn straight to the screen. */
  setMoving(moving: boolean): void {
    this.moving = moving;
    this.drawn = 0;
  }

  get complete(): boolean {
    return this.moving || this.drawn >= this.points.count;
  }

  /** Draw to the viewport that is set, this many pixels; not `complete` afterwards where there is more to come. */
  draw(renderer: THREE.WebGLRenderer, camera: THREE.Camera, width: number, height: number): void {
    if (this.moving) {
      this.points.limit(0, this.points.coarse);
      renderer.render(this.scene, camera);
      return;
    }
    this.fit(Math.round(width * PIXEL_RATIO), Math.round(height * PIXEL_RATIO));
    if (this.drawn < this.points.count || this.drawn === 0) this.add(renderer, camera);
    renderer.render(this.copy, this.flat);
  }

  /** How long the last slice took until the browser could draw again. */
  learn(milliseconds: number): void {
    if (milliseconds < BRISK_MS) this.slice *= 2;
    else if (milliseconds > SLUGGISH_MS) this.slice = Math.max(LEAST_SLICE, this.slice / 2);
  }

  dispose(): void {
    this.points.dispose();
    this.target.depthTexture?.dispose();
    this.target.dispose();
    this.sheet.geometry.dispose();
    this.sheet.material.dispose();
  }

  private fit(width: number, height: number): void {
    if (this.target.width === width && this.target.height === height) return;
    this.target.setSize(width, height);
    this.drawn = 0;
  }

  private add(renderer: THREE.WebGLRenderer, camera: THREE.Camera): void {
    renderer.setRenderTarget(this.target);
    if (this.drawn === 0) renderer.clear();
    this.slice ||= this.points.coarse;
    const count = Math.min(Math.max(this.slice, this.drawn ? 0 : this.points.coarse), this.points.count - this.drawn);
    this.points.limit(this.drawn, count);
    renderer.render(this.scene, camera);
    renderer.setRenderTarget(null);
    this.drawn += count;
  }
}
