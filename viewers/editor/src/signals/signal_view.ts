/** What the screen shows of a signal: samples, or the least and greatest values of blocks of them. */

import type { Span } from "./windows";

export interface SignalView extends Span {
  /** Samples a block; 1 where the values are the samples themselves. */
  readonly block: number;
  readonly channels: readonly string[];
  readonly units: readonly string[];
  readonly count: number;
  /** Nanoseconds after the signal's first sample. */
  readonly time: Float64Array;
  /** Rows of `channels.length`; the same array twice where a block is a sample. */
  readonly low: Float32Array;
  readonly high: Float32Array;
}

interface Field {
  readonly name: string;
  readonly components: number;
  readonly offset: number;
}

interface Header {
  readonly count: number;
  readonly start_ns: string;
  readonly block: number;
  readonly channels: readonly string[];
  readonly units: readonly string[];
  readonly fields: readonly Field[];
}

/** The answer of `GET …/signals/{sensor}`: "LLP1", header length, JSON header, float32 columns. */
export function decodeSignal(buffer: ArrayBuffer, origin: bigint, asked: Span): SignalView {
  const length = new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length))) as Header;
  const column = (name: string): Float32Array | null => {
    const field = header.fields.find((one) => one.name === name);
    return field ? new Float32Array(buffer, field.offset, header.count * field.components) : null;
  };
  const ahead = Number(BigInt(header.start_ns) - origin);
  const time = Float64Array.from(column("time") ?? [], (seconds) => ahead + seconds * 1e9);
  const none = new Float32Array(0), value = column("value");
  return {
    ...asked, block: header.block, channels: header.channels, units: header.units, count: header.count, time,
    low: value ?? column("low") ?? none, high: value ?? column("high") ?? none,
  };
}

/** The channels of one view after those of another over the same rows. */
export function joined(own: SignalView, derived: SignalView): SignalView {
  const rows = own.count, [a, b] = [own.channels.length, derived.channels.length];
  if (derived.count !== rows || !b) return own;
  const side = (one: Float32Array, two: Float32Array): Float32Array => {
    const both = new Float32Array(rows * (a + b));
    for (let row = 0; row < rows; row++) {
      both.set(one.subarray(row * a, (row + 1) * a), row * (a + b));
      both.set(two.subarray(row * b, (row + 1) * b), row * (a + b) + a);
    }
    return both;
  };
  const low = side(own.low, derived.low), high = own.low === own.high ? low : side(own.high, derived.high);
  return { ...own, channels: [...own.channels, ...derived.channels], units: [...own.units, ...derived.units], low, high };
}

/** The row whose time is nearest; −1 where there is none. */
export function rowAt(view: SignalView, time: number): number {
  let low = 0, high = view.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (view.time[middle] < time) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && (low === view.count || time - view.time[low - 1] < view.time[low] - time)) low--;
  return view.count ? low : -1;
}

/** Whether a loaded view serves another: it covers it, and is as fine as the server would make it. */
export function serves(loaded: SignalView | null, view: Span, width: number): boolean {
  if (!loaded || loaded.start > view.start || loaded.end < view.end) return false;
  if (loaded.block === 1) return true;
  const share = (view.end - view.start) / Math.max(loaded.end - loaded.start, 1);
  return loaded.count * share >= 0.5 * width;
}

/** Channels that are drawn over each other: those of one sensor, which differ in their axis alone. */
export function groups(channels: readonly string[], apart: boolean): { readonly name: string; readonly columns: readonly number[] }[] {
  const found = new Map<string, number[]>();
  channels.forEach((channel, i) => {
    const name = apart ? channel : channel.replace(/[_.\s-]?[xyzw]$/i, "") || channel;
    found.set(name, [...(found.get(name) ?? []), i]);
  });
  return [...found].map(([name, columns]) => ({ name, columns }));
}

/** Least and greatest value of some channels. */
export function range(view: SignalView, columns: readonly number[]): readonly [number, number] {
  let least = Infinity, most = -Infinity;
  for (let row = 0; row < view.count; row++)
    for (const column of columns) {
      const k = row * view.channels.length + column;
      if (view.low[k] < least) least = view.low[k];
      if (view.high[k] > most) most = view.high[k];
    }
  if (!(least <= most)) return [-1, 1];
  const margin = Math.max((most - least) * 0.05, 1e-9);
  return [least - margin, most + margin];
}
