/** Films and sounds on the signal's clock; pure. Times are nanoseconds after the signal's first sample. */

import { SECOND } from "./time_axis";
import type { Span } from "./windows";

export interface Medium {
  readonly id: number;
  readonly name: string;
  readonly kind: "video" | "audio";
  /** Its beginning on the signal's clock. */
  readonly start: number;
  readonly drift: number;
  readonly alignedBy: string;
  readonly revision: number;
  /** Seconds of its own clock; null until the browser knows. */
  readonly length: number | null;
}

/** A stretch of a sound: least and greatest value of each step. */
export interface Waveform {
  readonly start: number;
  readonly step: number;
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** How long a second of the medium takes on the signal's clock. */
const pace = (drift: number): number => 1 + drift / 1e6;

/** Seconds of the medium's own clock. */
export const mediumTime = ({ start, drift }: Medium, time: number): number => (time - start) / SECOND / pace(drift);

export const signalTime = ({ start, drift }: Medium, seconds: number): number => start + seconds * SECOND * pace(drift);

export const spanOf = (medium: Medium): Span => ({ start: medium.start, end: signalTime(medium, medium.length ?? 0) });

/** The medium moved as a whole by a drag. */
export const shifted = (medium: Medium, by: number): Medium => ({ ...medium, start: Math.round(medium.start + by) });

const MOST_DRIFT = 20_000;

/** The medium stretched, so that what lay at `from` lies at `to` and its beginning stays. */
export function stretched(medium: Medium, from: number, to: number): Medium {
  const seconds = mediumTime(medium, from);
  if (Math.abs(seconds) < 1) return medium;
  const drift = ((to - medium.start) / SECOND / seconds - 1) * 1e6;
  return { ...medium, drift: Math.max(-MOST_DRIFT, Math.min(MOST_DRIFT, drift)) };
}

/** How much moved between pictures, at an even rate; null where no picture was seen. */
export function evenCurve(seen: readonly { readonly time: number; readonly moved: number }[], rate: number): (number | null)[] {
  const last = seen.reduce((most, { time }) => Math.max(most, time), 0);
  const sums = new Float64Array(Math.round(last * rate) + 1), counts = new Uint32Array(sums.length);
  for (const { time, moved } of seen) {
    const at = Math.round(time * rate);
    sums[at] += moved;
    counts[at]++;
  }
  return Array.from(sums, (sum, i) => (counts[i] ? sum / counts[i] : null));
}
