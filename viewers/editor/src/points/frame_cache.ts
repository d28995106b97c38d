/** Point clouds of the frames last seen and of their neighbours, within a budget of bytes. */

import type { PointCloud } from "./decode";

export class FrameCache {
  private readonly clouds = new Map<number, PointCloud>();
  private readonly underway = new Map<number, Promise<PointCloud>>();

  constructor(
    private readonly load: (frame: number) => Promise<PointCloud>,
    private readonly budget: () => number,
  ) {}

  /** What is at hand now. */
  ready(frame: number): PointCloud | undefined {
    return this.clouds.get(frame);
  }

  get bytes(): number {
    return [...this.clouds.values()].reduce((sum, cloud) => sum + bytesOf(cloud), 0);
  }

  get(frame: number): Promise<PointCloud> {
    const cloud = this.clouds.get(frame);
    if (cloud) {
      this.clouds.delete(frame); // to the end: last used
      this.clouds.set(frame, cloud);
      return Promise.resolve(cloud);
    }
    let promise = this.underway.get(frame);
    if (!promise) {
      promise = this.load(frame).then((loaded) => {
        this.clouds.set(frame, loaded);
        this.trim(frame);
        return loaded;
      }).finally(() => this.underway.delete(frame));
      this.underway.set(frame, promise);
    }
    return promise;
  }

  /** Fetch what will be wanted next; a failure shows when the frame itself is asked for. */
  prefetch(frames: readonly number[]): void {
    for (const frame of frames) this.get(frame).catch(() => undefined);
  }

  private trim(keep: number): void {
    const budget = this.budget();
    let bytes = this.bytes;
    for (const [frame, cloud] of this.clouds) {
      if (bytes <= budget) return;
      if (frame === keep) continue;
      this.clouds.delete(frame);
      bytes -= bytesOf(cloud);
    }
  }
}

/** All memory that a cloud keeps: its positions and the answer in which its other columns lie. */
function bytesOf({ xyz, intensity, time }: PointCloud): number {
  return [...new Set([xyz, intensity, time].map((column) => column?.buffer))].reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0);
}

/** The frames around one, those ahead in the direction of travel first. */
export function neighbours(frame: number, count: number, direction: 1 | -1, reach = 3): number[] {
  const ahead = Array.from({ length: reach }, (_, i) => frame + direction * (i + 1));
  return [...ahead, frame - direction].filter((f) => f >= 0 && f < count);
}
