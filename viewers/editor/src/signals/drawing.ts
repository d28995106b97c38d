/** Draws the page's canvas from the state: ruler, lanes of windows, channels, changes, cursor. */

import { type Layout, RULER_HEIGHT, trackBand } from "./layout";
import { drawMedia } from "./media_drawing";
import { outerTiers } from "./nesting";
import type { SignalsState } from "./session";
import { type SignalView, groups, range } from "./signal_view";
import { imageOf } from "./spectrum";
import { firstAtOrAfter, ticks, toX } from "./time_axis";
import { type ActivityWindow, type Span, UNKNOWN, isEvent, listed } from "./windows";

const CHANNELS = ["#f87171", "#34d399", "#60a5fa", "#fbbf24", "#c084fc", "#f472b6"];

/** Marks a pixel from which on they are drawn as bars. */
const CLOSE = 0.4;
const MOST_DOTTED = 60;

export interface Ink {
  readonly ground: string;
  readonly panel: string;
  readonly line: string;
  readonly ink: string;
  readonly dim: string;
  readonly accent: string;
  readonly warn: string;
}

export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const names = ["ground", "panel", "line", "ink", "dim", "accent", "warn"] as const;
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--ll-${name}`).trim()])) as unknown as Ink;
}

export type Pen = CanvasRenderingContext2D;

export function draw(pen: Pen, layout: Layout, state: SignalsState, signal: SignalView, ink: Ink): void {
  const { width, height } = layout;
  pen.fillStyle = ink.ground;
  pen.fillRect(0, 0, width, height);
  drawGaps(pen, layout, state, ink);
  drawShades(pen, layout, state);
  drawChannels(pen, layout, state, signal, ink);
  drawSpectrum(pen, layout, state, ink);
  drawRuler(pen, layout, state, ink);
  drawChanges(pen, layout, state, ink);
  drawLanes(pen, layout, state, ink);
  drawTracks(pen, layout, state, ink);
  drawMedia(pen, layout, state, ink);
  drawSpans(pen, layout, state, ink);
  line(pen, toX(state.view, width, state.cursor), 0, height, ink.ink, 1);
}

export function across(layout: Layout, view: Span, span: Span): readonly [number, number] | null {
  const a = toX(view, layout.width, span.start), b = toX(view, layout.width, span.end);
  return b < 0 || a > layout.width ? null : [Math.max(a, -5), Math.min(Math.max(b, a + 1), layout.width + 5)];
}

function line(pen: Pen, x: number, top: number, bottom: number, colour: string, width: number): void {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(Math.round(x) + 0.5, top);
  pen.lineTo(Math.round(x) + 0.5, bottom);
  pen.stroke();
}

function drawGaps(pen: Pen, layout: Layout, { clock, view }: SignalsState, ink: Ink): void {
  const top = layout.strips[0]?.y ?? layout.height;
  for (const gap of clock.gaps) {
    const place = across(layout, view, gap);
    if (!place) continue;
    hatch(pen, place[0], top, place[1] - place[0], layout.height - top, ink.line, 9);
    if (place[1] - place[0] > 40) text(pen, "gap", place[0] + 5, top + 14, ink.dim);
  }
}

function drawShades(pen: Pen, layout: Layout, state: SignalsState): void {
  const top = layout.strips[0]?.y ?? layout.height;
  for (const window of listed(state.windows)) {
    if (window.tier !== state.tier || window.category === UNKNOWN) continue;
    const place = across(layout, state.view, window);
    if (!place) continue;
    pen.globalAlpha = window.id === state.chosen ? 0.3 : window.state === "proposed" ? 0.07 : 0.17;
    pen.fillStyle = colourOf(state, window.category);
    const strip = window.channel ? layout.strips[stripOf(state, window.channel)] : undefined;
    pen.fillRect(place[0], strip?.y ?? top, place[1] - place[0], strip?.height ?? layout.height - top);
  }
  pen.globalAlpha = 1;
}

function stripOf({ overview: { channels }, apart }: SignalsState, channel: string): number {
  return groups(channels, apart).findIndex(({ columns }) => columns.includes(channels.indexOf(channel)));
}

function drawChannels(pen: Pen, layout: Layout, state: SignalsState, signal: SignalView, ink: Ink): void {
  groups(signal.channels, state.apart).forEach(({ name, columns }, i) => {
    const strip = layout.strips[i];
    if (!strip) return;
    const [least, most] = range(state.overview, columns);
    const toY = (value: number) => strip.y + 3 + (1 - (value - least) / (most - least)) * (strip.height - 6);
    pen.save();
    pen.beginPath();
    pen.rect(0, strip.y, layout.width, strip.height);
    pen.clip();
    if (least < 0 && most > 0) horizontal(pen, toY(0), layout.width, ink.line);
    columns.forEach((column, k) => drawTrace(pen, layout, state, signal, column, toY, CHANNELS[(state.apart ? i : k) % CHANNELS.length]));
    pen.restore();
    horizontal(pen, strip.y + strip.height, layout.width, ink.line);
    const unit = signal.units[columns[0]];
    text(pen, `${name}${unit ? ` (${unit})` : ""}  ${most.toPrecision(3)}`, 6, strip.y + 13, ink.ink, ink.ground);
    text(pen, least.toPrecision(3), 6, strip.y + strip.height - 5, ink.dim, ink.ground);
  });
}

/** What is drawn of one channel in a column of pixels, or at a sample where these are farther apart. */
interface Mark {
  readonly x: number;
  readonly low: number;
  readonly high: number;
  /** No line leads here: what lies before is a gap, or missing. */
  readonly alone: boolean;
}

/** Rows that share a column of pixels are one mark, so that drawing takes no longer for many samples. */
function marksOf(layout: Layout, { view, clock }: SignalsState, signal: SignalView, column: number): Mark[] {
  const channels = signal.channels.length, { low, high, time } = signal, marks: Mark[] = [];
  const found = clock.gaps.findIndex(({ end }) => end > view.start);
  let gap = found < 0 ? clock.gaps.length : found, broken = true;
  for (let row = Math.max(first(time, view.start) - 2, 0); row < signal.count; row++) {
    const at = time[row], k = row * channels + column;
    while (gap < clock.gaps.length && clock.gaps[gap].end <= at) {
      broken = true;
      gap++;
    }
    const x = toX(view, layout.width, at), last = marks[marks.length - 1];
    if (Number.isNaN(low[k])) broken = true;
    else {
      if (!broken && Math.floor(last.x) === Math.floor(x)) marks[marks.length - 1] = { ...last, low: Math.min(last.low, low[k]), high: Math.max(last.high, high[k]) };
      else marks.push({ x, low: low[k], high: high[k], alone: broken });
      broken = false;
    }
    if (at > view.end) break;
  }
  return marks;
}

/** Where marks stand close, bars that reach to the one before; else a line through them. Bars cost far less than a long line. */
function drawTrace(pen: Pen, layout: Layout, state: SignalsState, signal: SignalView, column: number, toY: (value: number) => number, colour: string): void {
  const marks = marksOf(layout, state, signal, column);
  if (marks.length > CLOSE * layout.width) drawBars(pen, marks, toY, colour);
  else drawLine(pen, marks, toY, colour);
}

function drawBars(pen: Pen, marks: readonly Mark[], toY: (value: number) => number, colour: string): void {
  pen.fillStyle = colour;
  marks.forEach(({ x, low, high, alone }, i) => {
    const before = alone ? null : marks[i - 1];
    const top = toY(before ? Math.max(high, before.low) : high), bottom = toY(before ? Math.min(low, before.high) : low);
    const left = before ? Math.min(Math.floor(before.x) + 1, Math.floor(x)) : Math.floor(x);
    pen.fillRect(left, top, Math.floor(x) + 1 - left, Math.max(bottom - top, 1));
  });
}

function drawLine(pen: Pen, marks: readonly Mark[], toY: (value: number) => number, colour: string): void {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const { x, low, high, alone } of marks) {
    if (alone) pen.moveTo(x, toY(low));
    else pen.lineTo(x, toY(low));
    if (high > low || alone) pen.lineTo(x, toY(high) + (alone ? 0.5 : 0));
  }
  pen.stroke();
}

function first(time: Float64Array, from: number): number {
  let low = 0, high = time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[middle] < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawRuler(pen: Pen, layout: Layout, { view, clock }: SignalsState, ink: Ink): void {
  pen.fillStyle = ink.panel;
  pen.fillRect(0, 0, layout.width, RULER_HEIGHT);
  for (const { time, text: words } of ticks(view, layout.width, clock.origin)) {
    const x = toX(view, layout.width, time);
    line(pen, x, RULER_HEIGHT - 6, RULER_HEIGHT, ink.dim, 1);
    text(pen, words, x + 4, 14, ink.dim);
  }
}

function drawChanges(pen: Pen, layout: Layout, state: SignalsState, ink: Ink): void {
  const { changes, view, draft } = state, top = layout.strips[0]?.y ?? 0;
  const from = firstAtOrAfter(changes, view.start), to = firstAtOrAfter(changes, view.end);
  if (to - from <= MOST_DOTTED) pen.setLineDash([2, 4]);
  else pen.globalAlpha = 0.35; // dots of hundreds of lines take long to draw
  for (let i = from; i < to; i++) line(pen, toX(view, layout.width, changes[i].time), top, layout.height, ink.dim, 1);
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  if (!draft?.caught) return;
  const band = across(layout, view, { start: draft.caught.low, end: draft.caught.high });
  if (!band) return;
  pen.globalAlpha = 0.28;
  pen.fillStyle = ink.warn;
  pen.fillRect(band[0], top, band[1] - band[0], layout.height - top);
  pen.globalAlpha = 1;
}

function drawLanes(pen: Pen, layout: Layout, state: SignalsState, ink: Ink): void {
  for (const lane of layout.lanes) {
    pen.fillStyle = ink.panel;
    pen.fillRect(0, lane.y, layout.width, lane.height);
    shadeParents(pen, layout, state, lane);
    for (const window of listed(state.windows)) {
      const place = window.tier === lane.tier ? across(layout, state.view, window) : null;
      if (place) drawWindow(pen, state, window, place, lane.y + 2, lane.height - 4, ink);
    }
    if (layout.lanes.length > 1) text(pen, `${"› ".repeat(outerTiers(lane.tier).length)}${lane.tier}`, 4, lane.y + lane.height - 8, ink.ink, ink.panel);
  }
}

/** The windows of the lanes above shine through, so that it is seen what lies in what. */
function shadeParents(pen: Pen, layout: Layout, state: SignalsState, lane: Layout["lanes"][number]): void {
  pen.globalAlpha = 0.16;
  for (const window of listed(state.windows)) {
    const place = window.state === "accepted" && outerTiers(lane.tier).includes(window.tier) ? across(layout, state.view, window) : null;
    if (!place) continue;
    pen.fillStyle = colourOf(state, window.category);
    pen.fillRect(place[0], lane.y, place[1] - place[0], lane.height);
  }
  pen.globalAlpha = 1;
}

/** One line an object, from its first frame to its last; proposals fainter, the chosen one framed. */
function drawTracks(pen: Pen, layout: Layout, state: SignalsState, ink: Ink): void {
  const { y, height } = layout.tracks;
  if (!height || !state.scene) return;
  pen.fillStyle = ink.panel;
  pen.fillRect(0, y, layout.width, height);
  for (const span of state.scene.spans) {
    const place = across(layout, state.view, span), band = trackBand(layout, span.row), chosen = span.track === state.object;
    if (!place) continue;
    pen.globalAlpha = chosen || span.state === "accepted" ? 1 : 0.55;
    pen.fillStyle = colourOf(state, span.category);
    pen.fillRect(place[0], band.y + 1, Math.max(place[1] - place[0], 3), band.height - 2);
    pen.globalAlpha = 1;
    if (!chosen) continue;
    pen.strokeStyle = ink.ink;
    pen.lineWidth = 1.5;
    pen.strokeRect(place[0], band.y + 0.5, Math.max(place[1] - place[0], 3), band.height - 1);
  }
  text(pen, "cuboids", 4, y + Math.min(height, 14) - 2, ink.ink, ink.panel);
}

/** The frequencies of one channel, in the strip below the channels. */
function drawSpectrum(pen: Pen, layout: Layout, { spectrum, spectrumOf, view }: SignalsState, ink: Ink): void {
  const strip = layout.strips[layout.strips.length - 1];
  if (spectrumOf === null || !strip) return;
  const image = spectrum && imageOf(spectrum);
  pen.fillStyle = ink.ground;
  pen.fillRect(0, strip.y, layout.width, strip.height);
  if (spectrum && image) {
    const [a, b] = [toX(view, layout.width, spectrum.start), toX(view, layout.width, spectrum.end)];
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, a, strip.y, b - a, strip.height);
  }
  text(pen, `frequencies of ${spectrumOf}${spectrum ? `, 0 to ${spectrum.highHz.toFixed(0)} Hz` : " …"}`, 6, strip.y + 13, ink.ink, ink.ground);
}

/** What people decided is solid; what the machine proposes is hatched in a dashed frame, with how sure it is. */
function drawWindow(pen: Pen, state: SignalsState, window: ActivityWindow, [a, b]: readonly [number, number], y: number, height: number, ink: Ink): void {
  const colour = window.category === UNKNOWN ? ink.dim : colourOf(state, window.category), proposed = window.state === "proposed";
  if (isEvent(window)) return drawEvent(pen, state, window, a, y, height, colour, ink);
  if (proposed) hatch(pen, a, y, b - a, height, colour, 7);
  else {
    pen.fillStyle = colour;
    pen.fillRect(a, y, b - a, height);
  }
  for (const [time, band] of [[window.start, window.startBand], [window.end, window.endBand]]) {
    const place = band ? [toX(state.view, pen.canvas.clientWidth, time - band), toX(state.view, pen.canvas.clientWidth, time + band)] : null;
    if (!place || place[1] - place[0] < 3) continue;
    pen.fillStyle = ink.warn;
    pen.fillRect(place[0], y + height - 2, place[1] - place[0], 2);
  }
  pen.setLineDash(proposed ? [4, 3] : []);
  pen.strokeStyle = window.id === state.chosen ? ink.ink : proposed ? colour : ink.ground;
  pen.lineWidth = window.id === state.chosen ? 2 : 1;
  pen.strokeRect(a + 0.5, y + 0.5, b - a - 1, height - 1);
  pen.setLineDash([]);
  const sure = proposed && window.score !== null ? ` ${Math.round(window.score * 100)} %` : "";
  const left = Math.max(a, 0), words = `${window.category}${window.channel ? ` · ${window.channel}` : ""}${sure}`;
  if (Math.min(b, layoutWidth(pen)) - left < 26) return;
  pen.save();
  pen.beginPath();
  pen.rect(left, y, b - left - 3, height);
  pen.clip();
  text(pen, words, left + 5, y + height - 6, proposed ? ink.ink : "#0b0f16", proposed ? ink.panel : undefined);
  pen.restore();
}

/** A diamond with the class beside it. */
function drawEvent(pen: Pen, state: SignalsState, event: ActivityWindow, x: number, y: number, height: number, colour: string, ink: Ink): void {
  const half = height / 2 - 2, middle = y + height / 2;
  pen.beginPath();
  pen.moveTo(x, middle - half);
  pen.lineTo(x + half * 0.7, middle);
  pen.lineTo(x, middle + half);
  pen.lineTo(x - half * 0.7, middle);
  pen.closePath();
  pen.fillStyle = colour;
  pen.fill();
  pen.strokeStyle = event.id === state.chosen ? ink.ink : ink.ground;
  pen.lineWidth = event.id === state.chosen ? 2 : 1;
  pen.stroke();
  text(pen, event.category, x + half, y + height - 6, ink.ink, ink.panel);
}

const layoutWidth = (pen: Pen): number => pen.canvas.clientWidth;

/** What a drag makes, and the stretches offered. */
function drawSpans(pen: Pen, layout: Layout, state: SignalsState, ink: Ink): void {
  state.candidates.forEach((candidate, i) => outline(pen, layout, state.view, candidate, ink.warn, i === state.candidate));
  if (state.draft) outline(pen, layout, state.view, state.draft, ink.accent, true);
}

function outline(pen: Pen, layout: Layout, view: Span, span: Span, colour: string, strong: boolean): void {
  const place = across(layout, view, span);
  if (!place) return;
  pen.globalAlpha = strong ? 0.2 : 0.07;
  pen.fillStyle = colour;
  pen.fillRect(place[0], RULER_HEIGHT, place[1] - place[0], layout.height - RULER_HEIGHT);
  pen.globalAlpha = 1;
  pen.strokeStyle = colour;
  pen.lineWidth = strong ? 2 : 1;
  pen.setLineDash([6, 4]);
  pen.strokeRect(place[0], RULER_HEIGHT + 1, place[1] - place[0], layout.height - RULER_HEIGHT - 2);
  pen.setLineDash([]);
}

function hatch(pen: Pen, x: number, y: number, width: number, height: number, colour: string, apart: number): void {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.globalAlpha = 0.16;
  pen.fillStyle = colour;
  pen.fillRect(x, y, width, height);
  pen.globalAlpha = 0.55;
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = x - height; at < x + width; at += apart) {
    pen.moveTo(at, y + height);
    pen.lineTo(at + height, y);
  }
  pen.stroke();
  pen.restore();
}

export function horizontal(pen: Pen, y: number, width: number, colour: string): void {
  pen.fillStyle = colour;
  pen.fillRect(0, Math.round(y), width, 1);
}

export function text(pen: Pen, words: string, x: number, y: number, colour: string, ground?: string): void {
  pen.font = "11px system-ui, sans-serif";
  if (ground) {
    pen.globalAlpha = 0.75;
    pen.fillStyle = ground;
    pen.fillRect(x - 3, y - 11, pen.measureText(words).width + 6, 14);
    pen.globalAlpha = 1;
  }
  pen.fillStyle = colour;
  pen.fillText(words, x, y);
}

export function colourOf(state: SignalsState, category: string): string {
  return state.classes.find(({ name }) => name === category)?.colour ?? "#9ca3af";
}
