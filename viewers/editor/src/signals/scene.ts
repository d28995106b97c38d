/** The cuboids of a recording on the signal's clock: when each object was there, and which frame a time shows; pure. */

import { type Labels, type TrackState, framesOf } from "../state/labels";
import type { Span } from "./windows";

export interface TrackSpan extends Span {
  readonly track: number;
  readonly category: string;
  readonly state: TrackState;
  /** Where it lies among the others, so that none covers another. */
  readonly row: number;
}

export interface Scene {
  /** Of the frames, nanoseconds after the signal's first sample. */
  readonly times: readonly number[];
  readonly labels: Labels;
  readonly spans: readonly TrackSpan[];
  readonly rows: number;
}

export function sceneOf(times: readonly number[], labels: Labels): Scene {
  const spans = spansOf(times, labels);
  return { times, labels, spans, rows: spans.reduce((most, { row }) => Math.max(most, row + 1), 0) };
}

/** Each object from its first frame to its last, in the first row that is free by then. */
function spansOf(times: readonly number[], labels: Labels): TrackSpan[] {
  const shown = [...labels.values()].filter(({ state, cuboids }) => state !== "rejected" && cuboids.size);
  const whole = shown.map((track) => {
    const frames = framesOf(track);
    return { track: track.id, category: track.category, state: track.state, start: times[frames[0]], end: times[frames[frames.length - 1]] };
  }).sort((a, b) => a.start - b.start || a.track - b.track);
  const free: number[] = [];
  return whole.map((span) => {
    const found = free.findIndex((end) => end < span.start), row = found < 0 ? free.length : found;
    free[row] = span.end;
    return { ...span, row };
  });
}

/** The frame nearest to a time; −1 where there is none. */
export function frameAt(times: readonly number[], time: number): number {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && (low === times.length || time - times[low - 1] < times[low] - time)) low--;
  return times.length ? low : -1;
}
