/** What a person can do to windows, by mouse or by key; each is one step for undo. */

import { type Command } from "./keymap";
import { type SignalsSession } from "./session";
import { firstAtOrAfter, panBy, pieceAt, zoomAt } from "./time_axis";
import { clipped, followers } from "./nesting";
import { type ActivityWindow, type Span, following, isEvent, sureProposals } from "./windows";

const PAN = 0.2;

/** It ends where the window ends that it lies in, unless it is to be exact. */
export function create(session: SignalsSession, wanted: Span, category = session.state.category, exact = false): void {
  if (wanted.end < wanted.start) return;
  const window = session.newId(), span = exact ? wanted : clipped(session.state.windows, wanted, session.state.tier);
  session.edit({ kind: "create", window, start: span.start, end: span.end, category, tier: session.state.tier, channel: session.state.channel });
  if (!session.state.readOnly) session.update({ chosen: window });
}

/** Other ends for a window; it stays inside the one about it and what lies inside it stays so, unless they are to be exact. */
export function move(session: SignalsSession, window: ActivityWindow, wanted: Span, exact = false): void {
  const { windows } = session.state, to = exact ? wanted : clipped(windows, wanted, window.tier);
  session.edit({ kind: "move", window: window.id, start: to.start, end: to.end }, ...(exact ? [] : followers(windows, window, to)));
}

/** A class for the candidate that is shown, for the chosen window, else for the windows to come. */
export function setClass(session: SignalsSession, category: string): void {
  const { candidates, candidate } = session.state, chosen = session.chosen();
  session.update({ category });
  if (candidates.length) takeCandidate(session, candidates[candidate], category);
  else if (chosen) session.edit({ kind: "tag", window: chosen.id, category });
}

function takeCandidate(session: SignalsSession, span: Span, category: string): void {
  const { candidates, candidate } = session.state;
  create(session, span, category);
  session.update({ candidates });
  if (candidate + 1 < candidates.length) session.goToCandidate(candidate + 1);
  else session.update({ candidates: [], candidate: 0 });
}

export function accept(session: SignalsSession): void {
  const { candidates, candidate, category } = session.state, chosen = session.chosen();
  if (candidates.length) {
    const { guess } = candidates[candidate];
    return takeCandidate(session, candidates[candidate], guess && guess !== "unknown" ? guess : category);
  }
  if (!chosen) return session.step(1, true);
  if (chosen.state !== "accepted") session.edit({ kind: "judge", window: chosen.id, state: "accepted" });
  session.step(1, true);
}

function reject(session: SignalsSession): void {
  const { candidates, candidate } = session.state, chosen = session.chosen();
  if (candidates.length) {
    session.skip(candidates[candidate]);
    return session.goToCandidate(candidate + 1);
  }
  if (!chosen) return;
  session.step(1, true);
  session.edit({ kind: "judge", window: chosen.id, state: "rejected" });
}

export function acceptSure(session: SignalsSession): void {
  const sure = sureProposals(session.state.windows, session.state.least);
  if (!sure.length) return session.notify(`no proposal is as sure as ${session.state.least}`);
  session.edit(...sure.map(({ id }) => ({ kind: "judge", window: id, state: "accepted" }) as const));
  session.notify(`${sure.length} accepted; undo takes them back together`);
}

function split(session: SignalsSession): void {
  const chosen = session.chosen(), at = Math.round(session.state.cursor);
  if (!chosen || at <= chosen.start || at >= chosen.end) return session.notify("put the cursor inside the chosen window");
  session.edit({ kind: "split", window: chosen.id, at, into: session.newId() });
}

function merge(session: SignalsSession): void {
  const chosen = session.chosen(), next = chosen && following(session.state.windows, chosen);
  if (!chosen || !next) return session.notify("choose a window that another one follows");
  session.edit({ kind: "merge", window: chosen.id, other: next.id });
}

function remove(session: SignalsSession): void {
  const chosen = session.chosen();
  if (chosen) session.edit({ kind: "delete", window: chosen.id });
}

/** The cursor on the next or previous change. */
function toChange(session: SignalsSession, by: 1 | -1): void {
  const { cursor, view, clock } = session.state, time = changeFrom(session, cursor, by);
  const off = time < view.start || time > view.end;
  session.look(off ? panBy(view, time - (view.start + view.end) / 2, clock.whole) : view, time);
}

function changeFrom(session: SignalsSession, time: number, by: 1 | -1): number {
  const { changes, clock: { whole } } = session.state;
  if (by > 0) return changes[firstAtOrAfter(changes, time + 1)]?.time ?? whole.end;
  return changes[firstAtOrAfter(changes, time) - 1]?.time ?? whole.start;
}

/** One end of the chosen window to the next change. */
function moveEnd(session: SignalsSession, which: "start" | "end", by: 1 | -1): void {
  const chosen = session.chosen();
  if (!chosen) return;
  const to = changeFrom(session, chosen[which], by);
  const span = isEvent(chosen) ? { start: to, end: to } : { start: chosen.start, end: chosen.end, [which]: to };
  if (isEvent(chosen) || span.start < span.end) move(session, chosen, span);
}

function pan(session: SignalsSession, by: number): void {
  const { view, clock } = session.state;
  session.look(panBy(view, by * (view.end - view.start), clock.whole));
}

/** About the cursor where it is on the screen, else about the middle. */
export function zoom(session: SignalsSession, factor: number): void {
  const { view, cursor, clock } = session.state;
  const at = cursor >= view.start && cursor <= view.end ? cursor : (view.start + view.end) / 2;
  session.look(zoomAt(view, factor, at, clock.whole));
}

function lookAtChosen(session: SignalsSession): void {
  const span = session.chosen() ?? session.state.candidates[session.state.candidate];
  if (!span) return;
  const margin = Math.max(span.end - span.start, 1e9) * 0.5;
  session.look({ start: span.start - margin, end: span.end + margin });
}

function cancel(session: SignalsSession): void {
  const { help, draft, candidates } = session.state;
  if (help) session.update({ help: false });
  else if (draft) session.update({ draft: null });
  else if (candidates.length) session.update({ candidates: [], candidate: 0 });
  else session.choose(null);
}

/** Of each channel in turn, then of none. */
function nextSpectrum(session: SignalsSession): void {
  const { overview: { channels }, spectrumOf } = session.state;
  session.showSpectrum(channels[channels.indexOf(spectrumOf ?? "") + 1] ?? null);
}

export const ACTIONS: Readonly<Record<Command, (session: SignalsSession) => void>> = {
  left: (session) => pan(session, -PAN),
  right: (session) => pan(session, PAN),
  closer: (session) => zoom(session, 0.6),
  farther: (session) => zoom(session, 1 / 0.6),
  whole: (session) => session.look(session.state.clock.whole),
  focus: lookAtChosen,
  previous_change: (session) => toChange(session, -1),
  next_change: (session) => toChange(session, 1),
  create: (session) => create(session, pieceAt(session.state.changes, session.state.cursor, session.state.clock.whole)),
  event: (session) => create(session, { start: Math.round(session.state.cursor), end: Math.round(session.state.cursor) }),
  start_earlier: (session) => moveEnd(session, "start", -1),
  start_later: (session) => moveEnd(session, "start", 1),
  end_earlier: (session) => moveEnd(session, "end", -1),
  end_later: (session) => moveEnd(session, "end", 1),
  split, merge, remove, accept, reject, cancel,
  accept_sure: acceptSure,
  next_window: (session) => session.step(1),
  previous_window: (session) => session.step(-1),
  propose: (session) => void session.propose(),
  suggest: (session) => void session.suggest(),
  similar: (session) => void session.findSimilar(),
  derived: (session) => void session.showDerived(!session.state.derived),
  spectrum: nextSpectrum,
  apart: (session) => session.update({ apart: !session.state.apart }),
  play: (session) => session.desk.play(!session.state.playing),
  undo: (session) => void session.stepBack("undo"),
  redo: (session) => void session.stepBack("redo"),
  help: (session) => session.update({ help: !session.state.help }),
};
