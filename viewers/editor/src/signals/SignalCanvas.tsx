/** The canvas of a signal and its windows, and what the mouse does on it. */

import React, { useEffect, useLayoutEffect, useRef, useState } from "react";
import { draw, inkOf } from "./drawing";
import { type Hit, type Layout, hitAt, lanesOf, layoutOf } from "./layout";
import { create, move as moveWindow } from "./operations";
import { type Medium, shifted, stretched } from "./media";
import type { SignalsSession } from "./session";
import { groups } from "./signal_view";
import { panBy, snapped, toTime, zoomAt } from "./time_axis";
import { type Span, listed } from "./windows";

const SNAP_PX = 9;
const CLICK_PX = 3;

interface Drag {
  readonly hit: Hit;
  readonly x: number;
  readonly time: number;
  readonly view: Span;
  readonly pans: boolean;
  moved: boolean;
}

export function SignalCanvas({ session }: { session: SignalsSession }) {
  const canvas = useRef<HTMLCanvasElement>(null), drag = useRef<Drag | null>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const { state } = session;
  const layout = layoutFor(session, size);
  useLayoutEffect(() => watchSize(canvas.current, session, setSize), [session]);
  useEffect(() => drawSoon(canvas.current, session, layout));
  useEffect(() => listenToWheel(canvas.current, session), [session]);
  const at = (event: React.PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const hit = ({ x, y }: { x: number; y: number }) => hitAt(layout, state.view, state.windows, state.chosen, state.tier, x, y, state.scene, state.media);
  function press(event: React.PointerEvent<HTMLCanvasElement>): void {
    const place = at(event), what = hit(place);
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus();
    const pans = event.button !== 0 || event.ctrlKey || what.kind === "ruler" || what.kind === "track";
    drag.current = { hit: what, x: place.x, time: toTime(state.view, layout.width, place.x), view: state.view, pans, moved: false };
  }
  function move(event: React.PointerEvent<HTMLCanvasElement>): void {
    const place = at(event), going = drag.current;
    if (!going) {
      const what = hit(place);
      event.currentTarget.style.cursor = what.kind === "edge" || what.kind === "medium" ? "ew-resize" : what.kind === "ruler" ? "grab" : what.kind === "track" ? "pointer" : "crosshair";
      return state.playing ? undefined : session.update({ cursor: toTime(state.view, layout.width, place.x) });
    }
    going.moved ||= Math.abs(place.x - going.x) > CLICK_PX;
    if (!going.moved) return;
    if (going.pans) return session.look(panBy(going.view, ((going.x - place.x) / layout.width) * (going.view.end - going.view.start), state.clock.whole));
    if (going.hit.kind === "medium") return moveMedium(session, going.hit.medium, going.time, toTime(going.view, layout.width, place.x), event.shiftKey);
    session.update(draftOf(session, layout, going, place.x, event.altKey));
  }
  function release(event: React.PointerEvent<HTMLCanvasElement>): void {
    const going = drag.current, { draft } = session.state;
    drag.current = null;
    if (!going) return;
    if (!going.moved) return click(session, going);
    if (going.hit.kind === "medium" && !going.pans) return void session.desk.save(going.hit.medium.id);
    session.update({ draft: null });
    if (going.pans || !draft || event.type === "pointercancel") return;
    if (going.hit.kind === "edge") moveWindow(session, going.hit.window, { start: draft.start, end: draft.end }, event.altKey);
    else if (draft.end > draft.start) create(session, draft, session.state.category, event.altKey);
  }
  return (
    <canvas ref={canvas} className="ll-signal" tabIndex={0} role="application" aria-label="Signal and activity windows; keys are listed under the question mark"
      data-view={`${state.view.start} ${state.view.end}`} data-lanes={layout.lanes.map(({ tier }) => tier).join(" ")}
      onPointerDown={press} onPointerMove={move} onPointerUp={release} onPointerCancel={release} onContextMenu={(event) => event.preventDefault()} />
  );
}

/** A drag moves a film or sound on the signal's clock; with Shift its beginning stays and it drifts. */
function moveMedium(session: SignalsSession, medium: Medium, from: number, to: number, drifts: boolean): void {
  session.desk.put(medium.id, ({ revision }) => ({ ...(drifts ? stretched(medium, from, to) : shifted(medium, to - from)), revision }));
}

function layoutFor({ state }: SignalsSession, { width, height }: { width: number; height: number }): Layout {
  const strips = groups(state.overview.channels, state.apart).length + (state.spectrumOf === null ? 0 : 1);
  return layoutOf(width, height, lanesOf(state.windows, state.tier), strips, state.scene?.rows, state.media.map(({ id }) => id));
}

function click(session: SignalsSession, { hit, time }: Drag): void {
  if (hit.kind === "track") session.update({ object: hit.span?.track ?? null, cursor: time });
  else if (hit.kind === "inside" || hit.kind === "edge") session.update({ chosen: hit.window.id, candidates: [], cursor: time });
  else session.update({ chosen: null, cursor: time });
}

/** Alt leaves the place as it is; else it is caught by changes and by other windows' ends. */
function draftOf(session: SignalsSession, layout: Layout, { hit, time }: Drag, x: number, exact: boolean): Pick<SignalsSession["state"], "draft" | "cursor"> {
  const { view, changes, windows, clock } = session.state;
  const reach = exact ? 0 : (SNAP_PX / layout.width) * (view.end - view.start);
  const moved = hit.kind === "edge" ? hit.window.id : null;
  const edges = listed(windows).filter(({ id }) => id !== moved).flatMap(({ start, end }) => [start, end]);
  const inside = (at: number) => Math.min(Math.max(at, clock.whole.start), clock.whole.end);
  const here = snapped(inside(toTime(view, layout.width, x)), changes, edges, reach);
  const there = hit.kind === "edge" ? hit.window[hit.end === "start" ? "end" : "start"] : snapped(inside(time), changes, edges, reach).time;
  return { cursor: here.time, draft: { start: Math.min(here.time, there), end: Math.max(here.time, there), caught: here.change } };
}

function watchSize(canvas: HTMLCanvasElement | null, session: SignalsSession, set: (size: { width: number; height: number }) => void): (() => void) | undefined {
  const parent = canvas?.parentElement;
  if (!canvas || !parent) return undefined;
  const fit = () => {
    const { clientWidth: width, clientHeight: height } = parent, ratio = window.devicePixelRatio;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    session.resize(width * ratio);
    paint(canvas, session, layoutFor(session, { width, height })); // at once: a new size has emptied it
    set({ width, height });
  };
  const observer = new ResizeObserver(fit);
  observer.observe(parent);
  fit();
  return () => observer.disconnect();
}

function drawSoon(canvas: HTMLCanvasElement | null, session: SignalsSession, layout: Layout): (() => void) | undefined {
  if (!canvas || !layout.width) return undefined;
  const request = requestAnimationFrame(() => {
    paint(canvas, session, layout);
    note(session);
  });
  return () => cancelAnimationFrame(request);
}

function paint(canvas: HTMLCanvasElement, session: SignalsSession, layout: Layout): void {
  // Long lines and hatches are drawn by the processor in a fraction of the time that software graphics take.
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return;
  pen.setTransform(window.devicePixelRatio, 0, 0, window.devicePixelRatio, 0, 0);
  draw(pen, layout, session.state, session.drawn(), inkOf(canvas));
}

/** How long it took from asking for a view to seeing it, for measurements. */
function note(session: SignalsSession): void {
  if (!performance.getEntriesByName("signal visible").length) performance.mark("signal visible");
  if (!session.viewedAt) return;
  if (session.firstDrawn !== session.viewedAt) {
    session.firstDrawn = session.viewedAt;
    performance.measure("signal moved", { start: session.viewedAt, end: performance.now() });
  }
  if (!session.fine()) return;
  performance.measure("signal fine", { start: session.viewedAt, end: performance.now() });
  session.viewedAt = 0;
}

function listenToWheel(canvas: HTMLCanvasElement | null, session: SignalsSession): (() => void) | undefined {
  if (!canvas) return undefined;
  const turn = (event: WheelEvent): void => {
    event.preventDefault();
    const { view, clock } = session.state, length = view.end - view.start;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (sideways) return session.look(panBy(view, (sideways / 800) * length, clock.whole));
    const at = toTime(view, canvas.clientWidth, event.clientX - canvas.getBoundingClientRect().left);
    session.look(zoomAt(view, Math.exp(event.deltaY / 400), at, clock.whole), at);
  };
  canvas.addEventListener("wheel", turn, { passive: false });
  return () => canvas.removeEventListener("wheel", turn);
}
