/** How many points are loaded: of every frame stepped through, and of the frame that a person rests on. */

export const SETTINGS_KEY = "lidar-label.settings";
/** Points of one frame to load and draw at most, unless it is set otherwise. */
export const POINT_BUDGET = 1_500_000;
/** Megabytes of frames last seen and fetched ahead, unless it is set otherwise. */
export const FRAME_MEMORY_MB = 256;
/** Frames that are passed or fetched ahead come with so many at most; a sweep of a vehicle's LiDAR is whole. */
export const PASSING_POINTS = 250_000;

/** What a frame is first asked for, by the budget that is kept in the browser. */
export function passingBudget(storage: Storage): number {
  try {
    const kept = JSON.parse(storage.getItem(SETTINGS_KEY) ?? "{}") as { pointBudget?: number };
    return Math.min(PASSING_POINTS, kept.pointBudget ?? POINT_BUDGET);
  } catch {
    return PASSING_POINTS;
  }
}
