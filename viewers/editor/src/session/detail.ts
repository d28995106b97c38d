/** All points about the chosen cuboid, where of the whole frame only a part is loaded. */

import type { RecordingClient } from "../api/client";
import type { PointCloud } from "../points/decode";
import { type EditorState, chosenCuboid } from "./state";

export interface Detail {
  readonly frame: number;
  readonly x: number;
  readonly y: number;
  readonly cloud: PointCloud;
}

const RADIUS_M = 20;
const REACH_M = 10; // of the close views about the cuboid
const GRID_M = 5;
const REST_MS = 120;

export class DetailLoader {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = "";

  constructor(private readonly client: RecordingClient, private readonly read: () => EditorState, private readonly write: (detail: Detail) => void) {}

  /** Ask for what is missing now, once nothing changes for a moment. */
  check(): void {
    const place = this.missing();
    const key = place ? place.join() : "";
    if (key === this.asked) return;
    this.asked = key;
    clearTimeout(this.timer);
    if (place) this.timer = setTimeout(() => void this.load(...place), REST_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private missing(): [frame: number, x: number, y: number] | null {
    const state = this.read(), box = chosenCuboid(state);
    if (!box || !state.cloud || state.cloud.count >= state.cloud.total || covering(state)) return null;
    return [state.frame, GRID_M * Math.round(box.x / GRID_M), GRID_M * Math.round(box.y / GRID_M)];
  }

  private async load(frame: number, x: number, y: number): Promise<void> {
    try {
      const cloud = await this.client.pointsNear(frame, [x, y], RADIUS_M, this.read().settings.pointBudget);
      if (this.read().frame === frame) this.write({ frame, x, y, cloud });
    } catch {
      this.asked = ""; // the coarser points stay; the next change tries again
    }
  }
}

function covering({ detail, frame, chosen, labels }: EditorState): Detail | null {
  const box = chosen === null ? undefined : labels.get(chosen)?.cuboids.get(frame);
  if (!detail || !box || detail.frame !== frame) return null;
  return Math.hypot(detail.x - box.x, detail.y - box.y) + REACH_M <= RADIUS_M ? detail : null;
}

/** The points for the close views of the chosen cuboid and for what snaps to points: the finest at hand. */
export function closePoints(state: EditorState): PointCloud | null {
  return state.fused ?? covering(state)?.cloud ?? state.cloud;
}
