/** Activity windows and edits of them; pure. Times are whole nanoseconds after the signal's first sample. */

export type WindowState = "proposed" | "accepted" | "rejected";

export interface ActivityWindow {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly category: string;
  readonly tier: string;
  /** The one channel that it is about; "" for all of the sensor. */
  readonly channel: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly state: WindowState;
  /** Probability that the class is right, of what the machine proposed. */
  readonly score: number | null;
  /** Half-widths of the bands that hold the true ends. */
  readonly startBand: number;
  readonly endBand: number;
  readonly reason: string;
  readonly revision: number;
}

export type Windows = ReadonlyMap<number, ActivityWindow>;

export const UNKNOWN = "unknown";
/** From the outside in. */
export const TIERS = ["context", "posture", "activity"] as const;

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A window that a person makes here has a negative number until the server gives it one. */
export type WindowEdit =
  | { readonly kind: "create"; readonly window: number; readonly start: number; readonly end: number; readonly category: string; readonly tier: string; readonly channel?: string }
  | { readonly kind: "move"; readonly window: number; readonly start: number; readonly end: number }
  | { readonly kind: "split"; readonly window: number; readonly at: number; readonly into: number }
  | { readonly kind: "merge"; readonly window: number; readonly other: number }
  | { readonly kind: "tag"; readonly window: number; readonly category: string }
  | { readonly kind: "describe"; readonly window: number; readonly attributes: Readonly<Record<string, unknown>> }
  | { readonly kind: "judge"; readonly window: number; readonly state: "accepted" | "rejected" }
  | { readonly kind: "delete"; readonly window: number };

/** What the windows are after an edit; the same object where it names a window that is gone. */
export function applyEdit(windows: Windows, edit: WindowEdit): Windows {
  if (edit.kind === "create") return put(windows, created(edit));
  const window = windows.get(edit.window);
  if (!window) return windows;
  switch (edit.kind) {
    case "move":
      return put(windows, moved(window, edit));
    case "split":
      return window.start < edit.at && edit.at < window.end
        ? put(put(windows, { ...window, end: edit.at, endBand: 0 }), { ...window, id: edit.into, start: edit.at, startBand: 0, revision: 0 })
        : windows;
    case "merge":
      return merged(windows, window, windows.get(edit.other));
    case "tag":
      return put(windows, { ...window, category: edit.category, score: null, state: "accepted" });
    case "describe":
      return put(windows, { ...window, attributes: given({ ...window.attributes, ...edit.attributes }), state: "accepted" });
    case "judge":
      return put(windows, { ...window, state: edit.state });
    case "delete":
      return without(windows, window.id);
  }
}

/** Without those that were taken away. */
function given(attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
}

/** An event has no length. */
export const isEvent = ({ start, end }: Span): boolean => start === end;

function created({ window, start, end, category, tier, channel = "" }: Extract<WindowEdit, { kind: "create" }>): ActivityWindow {
  return { id: window, start, end, category, tier, channel, attributes: {}, state: "accepted", score: null, startBand: 0, endBand: 0, reason: "", revision: 0 };
}

function moved(window: ActivityWindow, { start, end }: Span): ActivityWindow {
  return {
    ...window, start, end,
    startBand: start === window.start ? window.startBand : 0,
    endBand: end === window.end ? window.endBand : 0,
  };
}

function merged(windows: Windows, window: ActivityWindow, other: ActivityWindow | undefined): Windows {
  if (!other || other.id === window.id || other.tier !== window.tier || other.channel !== window.channel) return windows;
  const start = Math.min(window.start, other.start), end = Math.max(window.end, other.end);
  return put(without(windows, other.id), moved(window, { start, end }));
}

function put(windows: Windows, window: ActivityWindow): Windows {
  return new Map(windows).set(window.id, window);
}

function without(windows: Windows, id: number): Windows {
  const left = new Map(windows);
  left.delete(id);
  return left;
}

/** In order of time, without those that a person rejected. */
export function listed(windows: Windows): ActivityWindow[] {
  return [...windows.values()].filter(({ state }) => state !== "rejected").sort((a, b) => a.start - b.start || a.id - b.id);
}

/** The window itself, or the proposal that has taken a proposal's place; null where it is rejected or nothing has. */
export function successor(id: number, before: Windows, windows: Windows): number | null {
  const now = windows.get(id), window = before.get(id);
  if (now) return now.state === "rejected" ? null : id;
  if (window?.state !== "proposed") return null;
  const middle = (window.start + window.end) / 2;
  return listed(windows).find((one) => one.state === "proposed" && one.tier === window.tier && one.channel === window.channel && one.start <= middle && middle < one.end)?.id ?? null;
}

/** Proposals of a class that are at least so sure. */
export function sureProposals(windows: Windows, least: number): ActivityWindow[] {
  return listed(windows).filter(({ state, category, score }) => state === "proposed" && category !== UNKNOWN && (score ?? 0) >= least);
}

/** Stretches of a tier that no window with a class covers, the longest first. */
export function unknownStretches(windows: Windows, tier: string, whole: Span, gaps: readonly Span[], shortest: number): Span[] {
  const named = listed(windows).filter((window) => window.tier === tier && window.category !== UNKNOWN);
  const covered: Span[] = [...named, ...gaps].sort((a, b) => a.start - b.start);
  const free: Span[] = [];
  let from = whole.start;
  for (const { start, end } of covered) {
    if (start > from) free.push({ start: from, end: Math.min(start, whole.end) });
    from = Math.max(from, end);
  }
  if (from < whole.end) free.push({ start: from, end: whole.end });
  return free.filter(({ start, end }) => end - start >= shortest).sort((a, b) => b.end - b.start - (a.end - a.start));
}

/** The next window of the same tier that begins at or after the end of one, or holds its end. */
export function following(windows: Windows, window: ActivityWindow): ActivityWindow | undefined {
  return listed(windows).find((other) => other.tier === window.tier && other.channel === window.channel && other.id !== window.id && other.end > window.end);
}
