/** Edits of windows on their way to the server: at once on the screen, sent in order, kept until acknowledged; pure. */

import { type WindowEdit, type Windows, type ActivityWindow, applyEdit } from "./windows";

/** Edits that are made all or none, and undone together. */
export interface PendingEdits {
  readonly edits: readonly { readonly clientId: string; readonly edit: WindowEdit }[];
}

export interface WindowSync {
  /** What the server last said. */
  readonly confirmed: Windows;
  readonly queue: readonly PendingEdits[];
  readonly online: boolean;
}

/** A window as the server has it. */
export interface ServerWindow {
  readonly window: ActivityWindow;
  readonly deleted: boolean;
}

export const startSync = (confirmed: Windows, queue: readonly PendingEdits[] = []): WindowSync => ({ confirmed, queue, online: true });

export function statusOf(sync: WindowSync): "saved" | "pending" | "offline" {
  return !sync.queue.length ? "saved" : sync.online ? "pending" : "offline";
}

/** What a person sees: the server's word with everything since. */
export function shown(sync: WindowSync): Windows {
  return sync.queue.flatMap(({ edits }) => edits).reduce((windows, { edit }) => applyEdit(windows, edit), sync.confirmed);
}

export function enqueue(sync: WindowSync, edits: readonly WindowEdit[], newId: () => string): WindowSync {
  return { ...sync, queue: [...sync.queue, { edits: edits.map((edit) => ({ clientId: newId(), edit })) }] };
}

export function settle(windows: Windows, states: readonly ServerWindow[]): Windows {
  const settled = new Map(windows);
  for (const { window, deleted } of states) {
    if (deleted) settled.delete(window.id);
    else settled.set(window.id, window);
  }
  return settled;
}

/** The first of the queue is durable; windows made here have the server's numbers, in later edits too. */
export function acknowledge(sync: WindowSync, states: readonly ServerWindow[]): { sync: WindowSync; renamed: ReadonlyMap<number, number> } {
  const [done, ...rest] = sync.queue;
  const fresh = states.filter(({ window, deleted }) => !deleted && !sync.confirmed.has(window.id)).map(({ window }) => window.id).sort((a, b) => a - b);
  const made = done.edits.flatMap(({ edit }) => (edit.kind === "create" ? [edit.window] : edit.kind === "split" ? [edit.into] : []));
  const renamed = new Map(made.flatMap((own, i) => (fresh[i] === undefined ? [] : [[own, fresh[i]] as const])));
  const queue = rest.map(({ edits }) => ({ edits: edits.map((one) => ({ ...one, edit: rename(one.edit, renamed) })) }));
  return { sync: { confirmed: settle(sync.confirmed, states), queue, online: true }, renamed };
}

function rename(edit: WindowEdit, renamed: ReadonlyMap<number, number>): WindowEdit {
  const own = (id: number) => renamed.get(id) ?? id;
  const moved = { ...edit, window: own(edit.window) };
  if (moved.kind === "merge") return { ...moved, other: own(moved.other) };
  return moved.kind === "split" ? { ...moved, into: own(moved.into) } : moved;
}

/**
 * Newer windows of the server under the edits that wait. A proposal that they accept or tag may have been replaced
 * meanwhile: then they make the window that the person saw; other edits of what is gone are dropped.
 */
export function rebase(sync: WindowSync, confirmed: Windows): WindowSync {
  let seen = sync.confirmed, now = confirmed;
  const queue = sync.queue.flatMap(({ edits }) => {
    const kept = edits.flatMap((one) => {
      const again = rebased(one.edit, seen, now);
      seen = applyEdit(seen, one.edit);
      now = again ? applyEdit(now, again) : now;
      return again ? [{ ...one, edit: again }] : [];
    });
    return kept.length ? [{ edits: kept }] : [];
  });
  return { ...sync, confirmed, queue };
}

function rebased(edit: WindowEdit, seen: Windows, now: Windows): WindowEdit | null {
  if (edit.kind === "create" || now.has(edit.window)) return edit.kind === "merge" && !now.has(edit.other) ? null : edit;
  const before = seen.get(edit.window), after = applyEdit(seen, edit).get(edit.window);
  if (!before || !after || after.state !== "accepted" || (edit.kind !== "tag" && edit.kind !== "judge")) return null;
  return { kind: "create", window: before.id, start: after.start, end: after.end, category: after.category, tier: after.tier };
}

/** The server will not take the first of the queue; it and what builds on it is dropped. */
export function refuse(sync: WindowSync, confirmed: Windows = sync.confirmed): WindowSync {
  const [lost, ...rest] = sync.queue;
  const made = new Set(lost.edits.flatMap(({ edit }) => (edit.kind === "create" ? [edit.window] : edit.kind === "split" ? [edit.into] : [])));
  const queue = rest.filter(({ edits }) => !edits.some(({ edit }) => made.has(edit.window) || (edit.kind === "merge" && made.has(edit.other))));
  return { confirmed, queue, online: true };
}
