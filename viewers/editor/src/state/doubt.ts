/** Which tracks to look at first: the server's doubt, worst first, and what a person filters by. */

import type { Exceptions } from "./exceptions";
import type { Labels, Track } from "./labels";

export type Doubts = ReadonlyMap<number, Exceptions>;

export const SORTS = ["doubt", "id", "class", "length"] as const;
export type Sort = (typeof SORTS)[number];

export interface ListFilter {
  readonly sort: Sort;
  readonly text: string;
  readonly open: boolean;
  /** Also what the machine saw in a single frame and linked to nothing: mostly ghosts, and very many. */
  readonly once: boolean;
}

const ORDERS: Readonly<Record<Sort, (a: Track, b: Track, doubts: Doubts) => number>> = {
  doubt: (a, b, doubts) => (doubts.get(b.id)?.score ?? 0) - (doubts.get(a.id)?.score ?? 0),
  id: (a, b) => a.id - b.id,
  class: (a, b) => a.category.localeCompare(b.category),
  length: (a, b) => b.cuboids.size - a.cuboids.size,
};

/** Proposals of one frame, where others have more; where none has, the frames are not linked and these are all there is. */
export function seenOnce(labels: Labels): ReadonlySet<number> {
  const all = [...labels.values()];
  if (!all.some(({ cuboids }) => cuboids.size > 1)) return new Set();
  return new Set(all.filter(({ cuboids, state }) => cuboids.size === 1 && state === "proposed").map(({ id }) => id));
}

/** The tracks of the list; `open` leaves only what nobody has judged yet. */
export function listed(labels: Labels, filter: ListFilter, doubts: Doubts): Track[] {
  const text = filter.text.trim().toLowerCase(), hidden = filter.once ? new Set<number>() : seenOnce(labels);
  return [...labels.values()]
    .filter((track) => !hidden.has(track.id))
    .filter((track) => !filter.open || track.state === "proposed")
    .filter((track) => !text || `${track.id} ${track.category} ${doubts.get(track.id)?.reasons.join(" ") ?? ""}`.toLowerCase().includes(text))
    .sort((a, b) => ORDERS[filter.sort](a, b, doubts) || a.id - b.id);
}

/** The next in the list after a track, round the end; null when the list is empty. */
export function after(list: readonly Track[], id: number | null, step: 1 | -1): Track | null {
  if (!list.length) return null;
  const at = list.findIndex((track) => track.id === id);
  return list[at < 0 ? 0 : (at + step + list.length) % list.length];
}

/** Of what the list asks a person to judge. */
export function progress(labels: Labels): { readonly judged: number; readonly all: number } {
  const once = seenOnce(labels), all = [...labels.values()].filter(({ id }) => !once.has(id));
  return { judged: all.filter((track) => track.state !== "proposed").length, all: all.length };
}
