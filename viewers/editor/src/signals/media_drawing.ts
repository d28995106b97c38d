/** Draws the strips of films and sounds. */

import { type Ink, type Pen, across, horizontal, text } from "./drawing";
import type { Layout } from "./layout";
import { type Waveform, signalTime, spanOf } from "./media";
import type { SignalsState } from "./session";
import { toX } from "./time_axis";

/** Where each film or sound lies; of a sound its waveform. */
export function drawMedia(pen: Pen, layout: Layout, state: SignalsState, ink: Ink): void {
  for (const band of layout.media) {
    const medium = state.media.find(({ id }) => id === band.id), place = medium && across(layout, state.view, spanOf(medium));
    pen.fillStyle = ink.ground;
    pen.fillRect(0, band.y, layout.width, band.height);
    horizontal(pen, band.y + band.height - 1, layout.width, ink.line);
    if (!medium || !place) continue;
    pen.fillStyle = ink.panel;
    pen.fillRect(place[0], band.y + 1, place[1] - place[0], band.height - 3);
    const wave = state.waveforms.get(medium.id), middle = band.y + band.height / 2;
    pen.fillStyle = ink.accent;
    for (let i = 0; wave && i < wave.low.length; i++) {
      const x = toX(state.view, layout.width, signalTime(medium, wave.start + i * wave.step));
      if (x < -1 || x > layout.width) continue;
      const half = (band.height / 2 - 3) / Math.max(peakOf(wave), 1e-6);
      pen.fillRect(x, middle - wave.high[i] * half, 1, Math.max((wave.high[i] - wave.low[i]) * half, 1));
    }
    text(pen, `${medium.kind === "video" ? "film" : "sound"} ${medium.name}`, Math.max(place[0], 0) + 5, band.y + 13, ink.ink, ink.panel);
  }
}

const peaks = new WeakMap<Waveform, number>();

function peakOf(wave: Waveform): number {
  const known = peaks.get(wave) ?? wave.high.reduce((most, high, i) => Math.max(most, high, -wave.low[i]), 0);
  peaks.set(wave, known);
  return known;
}
