/** The stretch of time on the screen: zoom, pan, ticks, snapping, and how a time is written; pure. */

import type { Span } from "./windows";

export const SECOND = 1e9;
const SHORTEST_VIEW = 0.05 * SECOND;
const ERA_NS = 100_000_000n * 1_000_000_000n; // clocks that count from 1970 are past this, others hardly

export interface Change {
  readonly time: number;
  readonly low: number;
  readonly high: number;
  readonly gain: number;
}

export const toX = (view: Span, width: number, time: number): number => ((time - view.start) / (view.end - view.start)) * width;
export const toTime = (view: Span, width: number, x: number): number => Math.round(view.start + (x / width) * (view.end - view.start));

/** The view moved and shrunk so that it lies on the signal. */
export function within(view: Span, whole: Span): Span {
  const length = Math.min(Math.max(view.end - view.start, SHORTEST_VIEW), Math.max(whole.end - whole.start, SHORTEST_VIEW));
  const start = Math.min(Math.max(view.start, whole.start), Math.max(whole.end - length, whole.start));
  return { start, end: start + length };
}

/** A factor below 1 shows less; the time `at` keeps its place on the screen. */
export function zoomAt(view: Span, factor: number, at: number, whole: Span): Span {
  const length = Math.max((view.end - view.start) * factor, SHORTEST_VIEW);
  const share = (at - view.start) / (view.end - view.start);
  return within({ start: at - share * length, end: at + (1 - share) * length }, whole);
}

export function panBy(view: Span, time: number, whole: Span): Span {
  return within({ start: view.start + time, end: view.end + time }, whole);
}

/** The view, moved only if a span is not on it and widened only if it does not fit. */
export function showing(view: Span, span: Span, whole: Span): Span {
  if (span.start >= view.start && span.end <= view.end) return view;
  const length = Math.max(view.end - view.start, (span.end - span.start) * 1.4);
  const middle = (span.start + span.end) / 2;
  return within({ start: middle - length / 2, end: middle + length / 2 }, whole);
}

const STEPS_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/** Round times for the ruler, at least so many pixels apart; times of day where the clock has days. */
export function ticks(view: Span, width: number, origin: bigint, apart = 110): { readonly time: number; readonly text: string }[] {
  const least = ((view.end - view.start) / SECOND) * (apart / width);
  const step = STEPS_S.find((one) => one >= least) ?? STEPS_S[STEPS_S.length - 1];
  const base = origin > ERA_NS ? Number(origin % 86_400_000_000_000n) : 0;
  const places: { time: number; text: string }[] = [];
  for (let k = Math.ceil((view.start + base) / (step * SECOND)); k * step * SECOND - base <= view.end; k++) {
    const time = k * step * SECOND - base;
    places.push({ time, text: origin > ERA_NS ? dayTime((k * step) % 86400, step) : duration(k * step * SECOND, step) });
  }
  return places;
}

function dayTime(seconds: number, step: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  const rest = step < 1 ? (seconds % 1).toFixed(step < 0.01 ? 3 : 2).slice(1) : "";
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}${rest}`;
}

/** A length of time, such as `4.2 s` or `1:02:03`. */
export function duration(time: number, step = 0.1): string {
  const seconds = time / SECOND;
  if (seconds < 60) return `${seconds.toFixed(step >= 1 ? 0 : step >= 0.1 ? 1 : 3)} s`;
  const whole = Math.round(seconds), two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A time to the nanosecond: UTC where the clock counts from 1970, else seconds of its own clock. */
export function exactTime(origin: bigint, time: number): string {
  const ns = origin + BigInt(Math.round(time));
  if (ns < ERA_NS) {
    const size = ns < 0n ? -ns : ns;
    return `${ns < 0n ? "-" : ""}${size / 1_000_000_000n}.${String(size % 1_000_000_000n).padStart(9, "0")} s`;
  }
  const stamp = new Date(Number(ns / 1_000_000n)).toISOString();
  return `${stamp.slice(0, 10)} ${stamp.slice(11, 19)}.${String(ns % 1_000_000_000n).padStart(9, "0")} UTC`;
}

/** The change nearest to a time, if one is within reach. */
export function snapped(time: number, changes: readonly Change[], edges: readonly number[], reach: number): { readonly time: number; readonly change: Change | null } {
  let best: { time: number; change: Change | null } = { time, change: null };
  let distance = reach;
  for (const edge of edges) if (Math.abs(edge - time) < distance) [best, distance] = [{ time: edge, change: null }, Math.abs(edge - time)];
  const first = firstAtOrAfter(changes, time - reach);
  for (let i = first; i < changes.length && changes[i].time <= time + reach; i++)
    if (Math.abs(changes[i].time - time) <= distance) [best, distance] = [{ time: changes[i].time, change: changes[i] }, Math.abs(changes[i].time - time)];
  return best;
}

export function firstAtOrAfter(changes: readonly Change[], time: number): number {
  let low = 0, high = changes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle].time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The stretch between the changes on either side of a time. */
export function pieceAt(changes: readonly Change[], time: number, whole: Span): Span {
  const after = changes.findIndex((change) => change.time > time);
  const next = after < 0 ? changes.length : after;
  return { start: changes[next - 1]?.time ?? whole.start, end: changes[next]?.time ?? whole.end };
}
