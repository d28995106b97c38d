/** The binary form of points: "LLP1", header length, JSON header, then columns aligned to 8 bytes; little-endian. */

import type { Vec3 } from "../geometry/box";

/** Points of one frame in its ego frame, less `origin`. */
export interface PointCloud {
  readonly count: number;
  /** How many there are at the finest level. */
  readonly total: number;
  readonly level: number;
  readonly origin: Vec3;
  readonly sensors: readonly string[];
  readonly xyz: Float32Array;
  readonly intensity?: Uint8Array;
  readonly ring?: Uint8Array;
  readonly sensor?: Uint8Array;
  readonly ground?: Uint8Array;
  /** Seconds relative to the frame. */
  readonly time?: Float32Array;
  /** m/s of radar points along the ray, without the ego's motion where the radar says. */
  readonly velocity?: Float32Array;
  /** How many of the first points each level holds, from all on; empty where unknown. */
  readonly levels: readonly number[];
}

interface Field {
  readonly name: string;
  readonly type: "f4" | "i2" | "u1" | "u2";
  readonly components: number;
  readonly offset: number;
  readonly scale?: number | readonly number[];
  readonly bias?: number | readonly number[];
}

interface Header {
  readonly count: number;
  readonly total?: number;
  readonly level?: number;
  readonly levels?: readonly number[];
  readonly origin?: Vec3;
  readonly sensors?: readonly string[];
  readonly fields: readonly Field[];
}

const MAGIC = "LLP1";
const ARRAYS = { f4: Float32Array, i2: Int16Array, u1: Uint8Array, u2: Uint16Array } as const;
const VELOCITIES = ["velocity_compensated", "velocity"];
type Column = Float32Array | Int16Array | Uint8Array | Uint16Array;

export class DamagedPoints extends Error {}

export function decodePoints(buffer: ArrayBuffer): PointCloud {
  const bytes = new Uint8Array(buffer);
  if (buffer.byteLength < 8 || String.fromCharCode(...bytes.subarray(0, 4)) !== MAGIC)
    throw new DamagedPoints("the server's points do not begin with LLP1; reload the page");
  const length = new DataView(buffer).getUint32(4, true);
  if (8 + length > buffer.byteLength) throw new DamagedPoints("the points' header is cut off");
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Header;
  const columns = new Map(header.fields.map((field) => [field.name, readColumn(buffer, field, header.count)]));
  const field = (name: string) => header.fields.find((one) => one.name === name);
  const number = (name: string) => toFloats(columns.get(name), field(name));
  const xyz = number("xyz");
  if (!xyz) throw new DamagedPoints("the points have no xyz");
  const velocityName = VELOCITIES.find((name) => columns.has(name));
  return {
    count: header.count,
    total: header.total ?? header.count,
    level: header.level ?? 0,
    origin: header.origin ?? [0, 0, 0],
    sensors: header.sensors ?? [],
    xyz,
    intensity: toBytes(columns.get("intensity")),
    ring: toBytes(columns.get("ring")),
    sensor: toBytes(columns.get("sensor")),
    ground: toBytes(columns.get("ground")),
    time: number("time"),
    velocity: velocityName ? number(velocityName) : undefined,
    levels: header.levels ?? [],
  };
}

function readColumn(buffer: ArrayBuffer, field: Field, count: number): Column {
  const array = ARRAYS[field.type];
  const n = count * field.components;
  if (field.offset + n * array.BYTES_PER_ELEMENT > buffer.byteLength)
    throw new DamagedPoints(`the points' column ${field.name} is cut off`);
  return new array(buffer, field.offset, n);
}

function toFloats(column: Column | undefined, field: Field | undefined): Float32Array | undefined {
  if (!column || !field) return undefined;
  if (column instanceof Float32Array && field.scale === undefined && field.bias === undefined) return column;
  const per = (value: number | readonly number[] | undefined, usual: number) =>
    Array.from({ length: field.components }, (_, i) =>
      typeof value === "number" ? value : value?.[i] ?? usual);
  const scale = per(field.scale, 1), bias = per(field.bias, 0), k = field.components;
  const out = new Float32Array(column.length);
  for (let i = 0; i < out.length; i += k)
    for (let j = 0; j < k; j++) out[i + j] = column[i + j] * scale[j] + bias[j];
  return out;
}

function toBytes(column: Column | undefined): Uint8Array | undefined {
  return column === undefined || column instanceof Uint8Array ? column : Uint8Array.from(column, (v) => Math.min(v, 255));
}
