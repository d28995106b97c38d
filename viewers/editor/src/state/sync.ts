/** Edits on their way to the server: at once on the screen, kept until acknowledged, replayed by client id. */

import type { Poses } from "../geometry/transform";
import { type Edit, type Labels, type Track, applyEdit, withTrack } from "./labels";

export interface Pending {
  readonly clientId: string;
  readonly edit: Edit;
  /** The track's revision that the person saw, where it differs from the server's last word. */
  readonly base?: number;
  /** Edits with the same one are undone together. */
  readonly batch?: string;
}

export interface Conflict {
  readonly pending: readonly Pending[];
  readonly newer: readonly Track[];
}

export interface Sync {
  /** What the server last said. */
  readonly confirmed: Labels;
  readonly queue: readonly Pending[];
  /** The first so many of the queue are under way. */
  readonly sent: number;
  readonly online: boolean;
  readonly conflict: Conflict | null;
  /** What the server refused for good, in its words. */
  readonly refused: string | null;
}

export type SyncStatus = "saved" | "pending" | "offline" | "conflict";

export const startSync = (confirmed: Labels, queue: readonly Pending[] = []): Sync =>
  ({ confirmed, queue, sent: 0, online: true, conflict: null, refused: null });

export function statusOf(sync: Sync): SyncStatus {
  if (sync.conflict) return "conflict";
  if (!sync.queue.length) return "saved";
  return sync.online ? "pending" : "offline";
}

/** What a person sees: the server's word with everything since. */
export function shown(sync: Sync, poses: Poses): Labels {
  return sync.queue.reduce((labels, { edit }) => applyEdit(labels, edit, poses), sync.confirmed);
}

/** How an edit joins the queue: in a batch that is one step for undo, or as one of a key held down. */
export interface Joining {
  readonly batch?: string;
  readonly held?: boolean;
}

/** Add an edit; that of a key held down takes the place of the last one, if it moves the same cuboids and still waits. */
export function enqueue(sync: Sync, edit: Edit, clientId: string, { batch, held = false }: Joining = {}): Sync {
  const last = sync.queue[sync.queue.length - 1];
  const waiting = held && sync.queue.length > sync.sent;
  const queue = waiting && last && last.batch === batch && replaces(edit, last.edit) ? sync.queue.slice(0, -1) : sync.queue;
  return { ...sync, queue: [...queue, batch ? { clientId, edit, batch } : { clientId, edit }] };
}

function replaces(next: Edit, last: Edit): boolean {
  return next.kind === "set" && last.kind === "set" && next.track === last.track && next.keyframe === last.keyframe
    && next.cuboids.length === last.cuboids.length && next.cuboids.every((c, i) => c.frame === last.cuboids[i].frame);
}

/** What to send now: one edit at a time, so that each is undone by itself, those that waited offline too. */
export function nextBatch(sync: Sync): readonly Pending[] {
  return sync.sent || sync.conflict ? [] : sync.queue.slice(0, 1);
}

function tracksOf(edit: Edit): number[] {
  return edit.kind === "merge" ? [edit.track, edit.other] : edit.kind === "split" ? [edit.track, edit.into] : [edit.track];
}

export function markSent(sync: Sync, batch: readonly Pending[]): Sync {
  return { ...sync, sent: batch.length, refused: null };
}

/** A track as the server has it; `deleted` ones are gone. */
export interface ServerTrack {
  readonly track: Track;
  readonly deleted: boolean;
}

function settle(labels: Labels, states: readonly ServerTrack[]): Labels {
  const settled = new Map(labels);
  for (const { track, deleted } of states) {
    if (deleted) settled.delete(track.id);
    else settled.set(track.id, track);
  }
  return settled;
}

/** The batch is durable. A track made here now has the server's id, in later edits too. */
export function acknowledge(sync: Sync, states: readonly ServerTrack[]): { sync: Sync; renamed: ReadonlyMap<number, number> } {
  const done = sync.queue.slice(0, sync.sent);
  const renamed = new Map<number, number>();
  for (const { edit } of done) {
    const own = edit.kind === "create" ? edit.track : edit.kind === "split" ? edit.into : undefined;
    const given = states.find(({ track, deleted }) => !deleted && !sync.confirmed.has(track.id));
    if (own !== undefined && own < 0 && given) renamed.set(own, given.track.id);
  }
  const queue = sync.queue.slice(sync.sent).map((pending) => ({ ...pending, edit: rename(pending.edit, renamed) }));
  return { sync: { ...sync, confirmed: settle(sync.confirmed, states), queue, sent: 0, online: true }, renamed };
}

function rename(edit: Edit, renamed: ReadonlyMap<number, number>): Edit {
  const own = (id: number) => renamed.get(id) ?? id;
  const moved = { ...edit, track: own(edit.track) };
  if (moved.kind === "merge") return { ...moved, other: own(moved.other) };
  return moved.kind === "split" ? { ...moved, into: own(moved.into) } : moved;
}

/** The server is out of reach; the batch waits with its client ids, so that a replay counts once. */
export function disconnected(sync: Sync): Sync {
  return { ...sync, sent: 0, online: false };
}

/** Someone was faster: the batch's edits of those tracks are laid aside for a person to decide. */
export function conflicted(sync: Sync, states: readonly ServerTrack[]): Sync {
  const changed = new Set(states.map(({ track }) => track.id));
  const mine = (pending: Pending) => tracksOf(pending.edit).some((track) => changed.has(track));
  return {
    ...sync,
    confirmed: settle(sync.confirmed, states),
    queue: sync.queue.filter((pending) => !mine(pending)),
    sent: 0,
    online: true,
    conflict: {
      pending: [...(sync.conflict?.pending ?? []), ...sync.queue.filter(mine)],
      newer: states.filter((s) => !s.deleted).map((s) => s.track),
    },
  };
}

/** `mine` goes again on top of the newer state under new client ids; `theirs` drops my edits. */
export function resolve(sync: Sync, keep: "mine" | "theirs", newId: () => string): Sync {
  if (!sync.conflict) return sync;
  const again = keep === "mine" ? sync.conflict.pending.map((pending) => ({ ...pending, clientId: newId() })) : [];
  return { ...sync, conflict: null, queue: [...again, ...sync.queue] };
}

/** The server will never take this batch (its words say why); it is dropped so that the rest can go. */
export function refuse(sync: Sync, why: string): Sync {
  return { ...sync, queue: sync.queue.slice(sync.sent), sent: 0, online: true, refused: why };
}

/** Newer labels of others; tracks with edits of mine under way keep what I saw. */
export function refreshed(sync: Sync, labels: Labels): Sync {
  const mine = new Set(sync.queue.flatMap(({ edit }) => tracksOf(edit)));
  let confirmed = labels;
  for (const id of mine) {
    const track = sync.confirmed.get(id);
    if (track) confirmed = withTrack(confirmed, track);
  }
  return { ...sync, confirmed };
}
