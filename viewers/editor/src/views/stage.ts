/** One WebGL canvas behind all views; each view is a pane that is drawn only when it has changed. */

import * as THREE from "three";
import type { Backdrop } from "./backdrop";

export interface Pane {
  readonly element: HTMLElement;
  readonly scene: THREE.Scene;
  /** What lies behind the scene and changes less often. */
  readonly backdrop?: Backdrop;
  /** The camera for a pane of this shape. */
  camera(aspect: number): THREE.Camera;
}

export const PIXEL_RATIO = Math.min(globalThis.devicePixelRatio ?? 1, 1.5);
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;
const SLOW_MS = 28;
const PACE_SHARE = 0.3;

export class Stage {
  readonly renderer: THREE.WebGLRenderer;
  private readonly dirty = new Set<Pane>();
  private readonly panes = new Set<Pane>();
  private scheduled = 0;
  private waiting = false;
  private readonly resized: ResizeObserver;
  private background = new THREE.Color("#0b0f16");
  /** Called after each drawing; `complete` when every pane has all its points. */
  onDrawn: (complete: boolean) => void = () => undefined;
  private readonly software: boolean;
  /** Milliseconds from a drawing to the next chance to draw, smoothed. */
  private pace = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: false, preserveDrawingBuffer: true, powerPreference: "high-performance" });
    this.renderer.setPixelRatio(PIXEL_RATIO);
    this.renderer.autoClear = false;
    this.renderer.setScissorTest(true);
    this.software = SOFTWARE.test(rendererName(this.renderer.getContext()));
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(canvas);
    this.resize();
  }

  add(pane: Pane): () => void {
    this.panes.add(pane);
    this.resized.observe(pane.element);
    this.invalidate(pane);
    return () => {
      this.panes.delete(pane);
      this.dirty.delete(pane);
      this.resized.unobserve(pane.element);
    };
  }

  setBackground(colour: string): void {
    this.background = new THREE.Color(colour);
    this.panes.forEach((pane) => this.invalidate(pane));
  }

  invalidate(pane: Pane): void {
    this.dirty.add(pane);
    this.scheduled ||= requestAnimationFrame(() => this.draw());
  }

  /** Draw now what has changed, once in a frame of the browser, instead of waiting for it to ask; false where nothing has. */
  drawAtOnce(): boolean {
    if (!this.dirty.size) return false;
    if (this.waiting) return true;
    cancelAnimationFrame(this.scheduled);
    this.draw();
    return true;
  }

  dispose(): void {
    cancelAnimationFrame(this.scheduled);
    this.resized.disconnect();
    this.renderer.dispose();
  }

  private resize(): void {
    this.renderer.setSize(this.canvas.clientWidth, this.canvas.clientHeight, false);
    this.panes.forEach((pane) => this.invalidate(pane));
  }

  private draw(): void {
    this.scheduled = 0;
    const outer = this.canvas.getBoundingClientRect(), drawn = [...this.dirty];
    this.dirty.clear();
    for (const pane of drawn) this.drawPane(pane, outer);
    const more = drawn.filter(({ backdrop }) => backdrop && !backdrop.complete);
    this.onDrawn(!more.length);
    const start = performance.now();
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const passed = performance.now() - start;
      this.pace += PACE_SHARE * (passed - this.pace);
      for (const pane of more) {
        pane.backdrop?.learn(passed);
        if (this.panes.has(pane)) this.invalidate(pane);
      }
    });
  }

  /** True where views that move should draw fewer points. */
  get slow(): boolean {
    return this.software || this.pace > SLOW_MS;
  }

  private drawPane(pane: Pane, outer: DOMRect): void {
    const { left: x, bottom: y, width, height } = pane.element.getBoundingClientRect();
    if (width < 2 || height < 2) return;
    const [left, bottom] = [x - outer.left, outer.bottom - y];
    const camera = pane.camera(width / height);
    this.renderer.setViewport(left, bottom, width, height);
    this.renderer.setScissor(left, bottom, width, height);
    this.renderer.setClearColor(this.background);
    this.renderer.clear();
    pane.backdrop?.draw(this.renderer, camera, width, height);
    this.renderer.render(pane.scene, camera);
  }
}

function rendererName(context: WebGLRenderingContext | WebGL2RenderingContext): string {
  const names = context.getExtension("WEBGL_debug_renderer_info");
  return String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
}
