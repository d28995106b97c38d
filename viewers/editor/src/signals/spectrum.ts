/** A channel's frequencies over time, as an image; pure but for the canvas it is put on. */

export interface Spectrum {
  readonly channel: string;
  /** Nanoseconds after the signal's first sample. */
  readonly start: number;
  readonly end: number;
  readonly highHz: number;
  readonly columns: number;
  readonly bins: number;
  /** Rows of `bins`; 0 is a gap, 255 the strongest. */
  readonly power: Uint8Array;
}

interface Header {
  readonly count: number;
  readonly start_ns: string;
  readonly step_ns: number;
  readonly high_hz: number;
  readonly channel: string;
  readonly fields: readonly { readonly components: number; readonly offset: number }[];
}

export function decodeSpectrum(buffer: ArrayBuffer, origin: bigint): Spectrum {
  const size = new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size))) as Header;
  const [{ components, offset }] = header.fields, start = Number(BigInt(header.start_ns) - origin);
  return {
    channel: header.channel, start, end: start + header.step_ns * header.count, highHz: header.high_hz,
    columns: header.count, bins: components, power: new Uint8Array(buffer, offset, header.count * components),
  };
}

const images = new WeakMap<Spectrum, OffscreenCanvas>();

/** Low frequencies at the bottom; from dark blue over red to white. */
export function imageOf(spectrum: Spectrum): OffscreenCanvas | null {
  const known = images.get(spectrum);
  if (known) return known;
  const { columns, bins, power } = spectrum, canvas = new OffscreenCanvas(columns, bins), pen = canvas.getContext("2d");
  if (!pen) return null;
  const pixels = pen.createImageData(columns, bins);
  for (let column = 0; column < columns; column++)
    for (let bin = 0; bin < bins; bin++) {
      const value = power[column * bins + bin], at = 4 * ((bins - 1 - bin) * columns + column);
      pixels.data[at] = Math.min(255, Math.max(0, 3 * value - 255));
      pixels.data[at + 1] = Math.max(0, 2.6 * value - 408);
      pixels.data[at + 2] = value < 128 ? value * 1.4 : Math.max(0, 358 - value * 1.4);
      pixels.data[at + 3] = value ? 255 : 0;
    }
  pen.putImageData(pixels, 0, 0);
  images.set(spectrum, canvas);
  return canvas;
}
