/** Where things are on the canvas, and what is under the mouse; pure. */

import type { Scene, TrackSpan } from "./scene";
import { type Medium, spanOf } from "./media";
import { toX } from "./time_axis";
import { type ActivityWindow, type Span, TIERS, type Windows, isEvent, listed } from "./windows";

const RULER = 22;
const LANE = 24;
const GRAB = 6;
const TRACK = 8;
const MOST_TRACKS = 96;
const MEDIUM = 40;

interface Band {
  readonly y: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly (Band & { readonly tier: string })[];
  /** Where the cuboids' tracks are; no height where there are none. */
  readonly tracks: Band & { readonly rows: number };
  /** One a film or sound. */
  readonly media: readonly (Band & { readonly id: number })[];
  readonly strips: readonly Band[];
}

export type Hit =
  | { readonly kind: "ruler" }
  | { readonly kind: "medium"; readonly medium: Medium }
  | { readonly kind: "track"; readonly span: TrackSpan | null }
  | { readonly kind: "edge"; readonly window: ActivityWindow; readonly end: "start" | "end" }
  | { readonly kind: "inside"; readonly window: ActivityWindow; readonly tier: string }
  | { readonly kind: "empty"; readonly tier: string };

export const RULER_HEIGHT = RULER;

/** The lanes of the tiers that are in use and of the one that is tagged. */
export function lanesOf(windows: Windows, tier: string): string[] {
  const used = new Set([...windows.values()].map((window) => window.tier)).add(tier);
  return [...TIERS.filter((one) => used.has(one)), ...[...used].filter((one) => !TIERS.includes(one as never)).sort()];
}

export function layoutOf(width: number, height: number, tiers: readonly string[], strips: number, trackRows = 0, mediaIds: readonly number[] = []): Layout {
  const lanes = tiers.map((tier, i) => ({ tier, y: RULER + i * LANE, height: LANE }));
  const tracks = { y: RULER + lanes.length * LANE, height: Math.min(trackRows * TRACK, MOST_TRACKS), rows: trackRows };
  const media = mediaIds.map((id, i) => ({ id, y: tracks.y + tracks.height + i * MEDIUM, height: MEDIUM }));
  const top = tracks.y + tracks.height + media.length * MEDIUM, each = Math.max((height - top) / Math.max(strips, 1), 20);
  return { width, height, lanes, tracks, media, strips: Array.from({ length: strips }, (_, i) => ({ y: top + i * each, height: each })) };
}

/** The pixels of one row of tracks. */
export function trackBand({ tracks }: Layout, row: number): Band {
  const each = tracks.height / tracks.rows;
  return { y: tracks.y + row * each, height: each };
}

function insideMedium(layout: Layout, view: Span, medium: Medium, x: number): boolean {
  const { start, end } = spanOf(medium);
  return toX(view, layout.width, start) <= x && x <= toX(view, layout.width, end);
}

function trackAt(layout: Layout, view: Span, scene: Scene | null, x: number, y: number): TrackSpan | null {
  const row = Math.floor((y - layout.tracks.y) / (layout.tracks.height / layout.tracks.rows));
  return scene?.spans.find((span) => span.row === row && toX(view, layout.width, span.start) - 3 <= x && x <= toX(view, layout.width, span.end) + 3) ?? null;
}

/** Ends of windows are caught in their lane; of the chosen window, over the channels too. */
export function hitAt(layout: Layout, view: Span, windows: Windows, chosen: number | null, tier: string, x: number, y: number, scene: Scene | null = null, media: readonly Medium[] = []): Hit {
  if (y < RULER) return { kind: "ruler" };
  const band = layout.media.find((one) => y >= one.y && y < one.y + one.height), medium = media.find(({ id }) => id === band?.id);
  if (medium) return insideMedium(layout, view, medium, x) ? { kind: "medium", medium } : { kind: "ruler" };
  if (y >= layout.tracks.y && y < layout.tracks.y + layout.tracks.height) return { kind: "track", span: trackAt(layout, view, scene, x, y) };
  const lane = layout.lanes.find((one) => y >= one.y && y < one.y + one.height);
  const here = listed(windows).filter((window) => window.tier === (lane?.tier ?? tier));
  const grabbed = nearestEdge(layout, view, lane ? here : here.filter(({ id }) => id === chosen), chosen, x);
  if (grabbed) return grabbed;
  const event = lane && here.find((one) => isEvent(one) && Math.abs(toX(view, layout.width, one.start) - x) <= GRAB);
  if (event) return { kind: "inside", window: event, tier: event.tier };
  const over = here.filter((window) => toX(view, layout.width, window.start) <= x && x < toX(view, layout.width, window.end));
  const window = over.find(({ id }) => id === chosen) ?? over.pop();
  return window ? { kind: "inside", window, tier: lane?.tier ?? tier } : { kind: "empty", tier: lane?.tier ?? tier };
}

function nearestEdge(layout: Layout, view: Span, windows: readonly ActivityWindow[], chosen: number | null, x: number): Hit | null {
  let best: Hit | null = null, distance = GRAB;
  for (const window of windows.filter((one) => !isEvent(one)))
    for (const end of ["start", "end"] as const) {
      const away = Math.abs(toX(view, layout.width, window[end]) - x) - (window.id === chosen ? 0.5 : 0);
      if (away < distance) [best, distance] = [{ kind: "edge", window, end }, away];
    }
  return best;
}
