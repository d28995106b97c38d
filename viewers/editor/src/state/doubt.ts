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
}

const ORDERS: Readonly<Record<Sort, (a: Track, b: Track, doubts: Doubts) => number>> = {
  doubt: (a, b, doubts) => (doubts.get(b.id)?.score ?? 0) - (doubts.get(a.id)?.score ?? 0),
  id: (a, b) => a.id - b.id,
  class: (a, b) => a.category.localeCompare(b.category),
  length: (a, b) => b.cuboids.size - a.cuboids.size,
};

/** The tracks of the list; `open` leaves only what nobody has judged yet. */
export function listed(labels: Labels, filter: ListFilter, doubts: Doubts): Track[] {
  const text = filter.text.trim().toLowerCase();
  return [...labels.values()]
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

export function progress(labels: Labels): { readonly judged: number; readonly all: number } {
  const all = [...labels.values()];
  return { judged: all.filter((track) => track.state !== "proposed").length, all: all.length };
}
