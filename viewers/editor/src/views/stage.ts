/** One WebGL canvas behind all views; each view is a pane that is drawn only when it has changed. */

import * as THREE from "three";

export interface Pane {
  readonly element: HTMLElement;
  readonly scene: THREE.Scene;
  /** The camera for a pane of this shape. */
  camera(aspect: number): THREE.Camera;
}

const SLOW_MS = 28;
const PACE_SHARE = 0.3;

export class Stage {
  readonly renderer: THREE.WebGLRenderer;
  private readonly dirty = new Set<Pane>();
  private readonly panes = new Set<Pane>();
  private scheduled = 0;
  private readonly resized: ResizeObserver;
  private background = new THREE.Color("#0b0f16");
  onDrawn: () => void = () => undefined;
  /** Milliseconds from a drawing to the next chance to draw, smoothed; software rendering is known by it. */
  private pace = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: false, preserveDrawingBuffer: true, powerPreference: "high-performance" });
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 1.5));
    this.renderer.autoClear = false;
    this.renderer.setScissorTest(true);
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
    const outer = this.canvas.getBoundingClientRect();
    for (const pane of this.dirty) this.drawPane(pane, outer);
    this.dirty.clear();
    this.onDrawn();
    const start = performance.now();
    requestAnimationFrame(() => {
      this.pace += PACE_SHARE * (performance.now() - start - this.pace);
    });
  }

  /** True where views that move should draw fewer points. */
  get slow(): boolean {
    return this.pace > SLOW_MS;
  }

  private drawPane(pane: Pane, outer: DOMRect): void {
    const rect = pane.element.getBoundingClientRect();
    if (rect.width < 2 || rect.height < 2) return;
    const [left, bottom] = [rect.left - outer.left, outer.bottom - rect.bottom];
    this.renderer.setViewport(left, bottom, rect.width, rect.height);
    this.renderer.setScissor(left, bottom, rect.width, rect.height);
    this.renderer.setClearColor(this.background);
    this.renderer.clear();
    this.renderer.render(pane.scene, pane.camera(rect.width / rect.height));
  }
}
