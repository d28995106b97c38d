/** Colours of points, (N, 3) bytes, and which of them are shown. */

import type { Box } from "../geometry/box";
import { pointsIn } from "../geometry/snapping";
import type { PointCloud } from "./decode";

export const COLOUR_MODES = ["height", "intensity", "class", "sensor", "ring", "time"] as const;
export type ColourMode = (typeof COLOUR_MODES)[number];

export interface ColouredBox {
  readonly box: Box;
  readonly colour: string;
}

const BELOW_GROUND_M = 0.5, ABOVE_GROUND_M = 4.5;
const PLAIN = [128, 138, 152] as const;
const SENSOR_COLOURS = ["#60a5fa", "#f59e0b", "#34d399", "#f472b6", "#a78bfa", "#f87171"].map(bytesOf);

export function bytesOf(hex: string): readonly [number, number, number] {
  const value = parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Google's Turbo colours as a polynomial of fifth degree (Mikhailov, 2019). */
function turbo(t: number): readonly [number, number, number] {
  const poly = (c: readonly number[]) =>
    255 * Math.min(1, Math.max(0, c.reduceRight((sum, k) => sum * t + k, 0)));
  return [
    poly([0.1357, 4.5974, -42.3277, 130.5887, -150.5666, 58.1375]),
    poly([0.0914, 2.1856, 4.8052, -14.0195, 4.2109, 2.7747]),
    poly([0.1067, 12.5925, -60.1097, 109.0745, -88.5066, 26.8183]),
  ];
}

const RAMP = Array.from({ length: 256 }, (_, i) => turbo(0.08 + 0.84 * i / 255));

/** One colour a point. `boxes` colour what is inside them when the mode is class. */
export function colourPoints(cloud: PointCloud, mode: ColourMode, boxes: readonly ColouredBox[]): Uint8Array {
  const colours = new Uint8Array(3 * cloud.count);
  const value = rampValue(cloud, mode);
  for (let i = 0; i < cloud.count; i++) {
    const colour = mode === "sensor" && cloud.sensor
      ? SENSOR_COLOURS[cloud.sensor[i] % SENSOR_COLOURS.length]
      : value ? RAMP[value(i)] : PLAIN;
    colours[3 * i] = colour[0];
    colours[3 * i + 1] = colour[1];
    colours[3 * i + 2] = colour[2];
  }
  if (mode === "class")
    for (const { box, colour } of boxes)
      for (const i of pointsIn(box, cloud, 0.05)) colours.set(bytesOf(colour), 3 * i);
  return colours;
}

/** For each point a place on the ramp, 0..255, or null where the cloud does not have what the mode shows. */
function rampValue(cloud: PointCloud, mode: ColourMode): ((i: number) => number) | null {
  const clamp = (v: number) => Math.max(0, Math.min(255, Math.round(v)));
  const { xyz, intensity, ring, time } = cloud;
  if (mode === "height") {
    const low = groundLevel(cloud) - BELOW_GROUND_M;
    return (i) => clamp(255 * (xyz[3 * i + 2] - low) / (BELOW_GROUND_M + ABOVE_GROUND_M));
  }
  if (mode === "intensity" && intensity) return (i) => clamp(16 * Math.sqrt(intensity[i]));
  if (mode === "ring" && ring) return (i) => (ring[i] * 37) % 256;
  if (mode === "time" && time) {
    const [low, high] = time.reduce(([a, b], t) => [Math.min(a, t), Math.max(b, t)], [Infinity, -Infinity]);
    return (i) => clamp(255 * (time[i] - low) / Math.max(high - low, 1e-6));
  }
  return null;
}

const SAMPLES = 2000;

/** Median height of the ground near the sensor, so that colours tell heights above it on any vehicle. */
function groundLevel({ xyz, ground, count }: PointCloud): number {
  const heights: number[] = [], step = Math.max(1, Math.floor(count / SAMPLES));
  for (let i = 0; i < count; i += step) if (ground?.[i] && Math.hypot(xyz[3 * i], xyz[3 * i + 1]) < 30) heights.push(xyz[3 * i + 2]);
  heights.sort((a, b) => a - b);
  return heights.length ? heights[heights.length >> 1] : -1.7;
}

export interface Filter {
  readonly hideGround: boolean;
  readonly hiddenSensors: readonly string[];
}

/** Indices of the points to draw in their order, or null when that is all of them. */
export function shownPoints(cloud: PointCloud, filter: Filter): Uint32Array | null {
  const hidden = cloud.sensors.map((name) => filter.hiddenSensors.includes(name));
  const bySensor = cloud.sensor && hidden.some(Boolean);
  const byGround = filter.hideGround && cloud.ground;
  if (!bySensor && !byGround) return null;
  const kept = new Uint32Array(cloud.count);
  let n = 0;
  for (let i = 0; i < cloud.count; i++) {
    if (byGround && cloud.ground?.[i]) continue;
    if (bySensor && hidden[cloud.sensor?.[i] ?? 0]) continue;
    kept[n++] = i;
  }
  return kept.slice(0, n);
}

/** The points within a radius of a place seen from above; positions and colours copied together. */
export function cutOut(cloud: PointCloud, colours: Uint8Array, x: number, y: number, radius: number, filter: Filter) {
  const hidden = cloud.sensors.map((name) => filter.hiddenSensors.includes(name));
  const ground = filter.hideGround ? cloud.ground : undefined, sensor = hidden.some(Boolean) ? cloud.sensor : undefined;
  const { xyz: from } = cloud, near = new Uint32Array(cloud.count), most = radius * radius;
  let n = 0;
  for (let i = 0, k = 0; i < cloud.count; i++, k += 3) {
    const dx = from[k] - x, dy = from[k + 1] - y;
    if (dx * dx + dy * dy > most || ground?.[i] || (sensor && hidden[sensor[i]])) continue;
    near[n++] = k;
  }
  const xyz = new Float32Array(3 * n), rgb = new Uint8Array(3 * n);
  for (let to = 0, i = 0; i < n; i++)
    for (let k = near[i]; k < near[i] + 3; k++, to++) {
      xyz[to] = from[k];
      rgb[to] = colours[k];
    }
  return { xyz, rgb };
}
