/** Tiers within each other: an activity lies inside a posture, a posture inside a context, as in ELAN's tiers "included in" another; pure. */

import { type ActivityWindow, type Span, TIERS, type WindowEdit, type Windows, isEvent, listed } from "./windows";

/** The tiers about a tier, the nearest first. */
export const outerTiers = (tier: string): readonly string[] => TIERS.slice(0, Math.max(TIERS.indexOf(tier as never), 0)).reverse();

const shared = (a: Span, b: Span): number => Math.min(a.end, b.end) - Math.max(a.start, b.start);

/** The accepted window of the nearest tier outside that a span lies in with the most of it; null where there is none. */
export function parentOf(windows: Windows, span: Span, tier: string): ActivityWindow | null {
  const middle = (span.start + span.end) / 2, accepted = listed(windows).filter(({ state, channel }) => state === "accepted" && !channel);
  for (const outer of outerTiers(tier)) {
    const over = accepted.filter((one) => one.tier === outer && !isEvent(one) && (shared(one, span) > 0 || (one.start <= middle && middle < one.end)));
    if (over.length) return over.reduce((best, one) => (shared(one, span) > shared(best, span) ? one : best));
  }
  return null;
}

/** What is left of a span inside its parent; the span itself where it has none. */
export function clipped(windows: Windows, span: Span, tier: string): Span {
  const parent = parentOf(windows, span, tier);
  if (!parent || span.start === span.end) return span;
  return { start: Math.max(span.start, parent.start), end: Math.min(span.end, parent.end) };
}

/** The edits by which accepted windows inside one stay inside it when its ends are moved; those that lie outside then are left alone. */
export function followers(windows: Windows, parent: ActivityWindow, to: Span): WindowEdit[] {
  const inside = listed(windows).filter((one) => one.state === "accepted" && outerTiers(one.tier).includes(parent.tier) && parentOf(windows, one, one.tier)?.id === parent.id);
  return inside.flatMap((one) => {
    const start = Math.max(one.start, to.start), end = Math.min(one.end, to.end);
    const same = start === one.start && end === one.end;
    return same || start >= end || one.start < parent.start || one.end > parent.end ? [] : [{ kind: "move", window: one.id, start, end } as const];
  });
}

/** A window that leaves the one it lies in, and by how much. */
export interface Leaving {
  readonly window: ActivityWindow;
  readonly parent: ActivityWindow;
  readonly by: number;
}

/** A finding for each accepted window that leaves its parent, the one that leaves it most first. */
export function leaving(windows: Windows): Leaving[] {
  return listed(windows).filter(({ state }) => state === "accepted").flatMap((window) => {
    const parent = parentOf(windows, window, window.tier);
    const by = parent ? Math.max(parent.start - window.start, 0) + Math.max(window.end - parent.end, 0) : 0;
    return parent && by > 0 ? [{ window, parent, by }] : [];
  }).sort((a, b) => b.by - a.by);
}
