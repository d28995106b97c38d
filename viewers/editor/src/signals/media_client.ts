/** The REST API of films and sounds; times become nanoseconds after the signal's first sample. */

import type { Client } from "../api/client";
import type { Medium, Waveform } from "./media";

interface MediumJson {
  readonly id: number;
  readonly name: string;
  readonly kind: "video" | "audio";
  readonly start_ns: string;
  readonly drift_ppm: number;
  readonly aligned_by: string;
  readonly revision: number;
}

export interface Found {
  readonly start: number;
  readonly drift: number;
  readonly correlation: number;
  readonly runnerUp: number;
  readonly pieces: number;
}

export interface Curve {
  readonly rate_hz: number;
  readonly start_s: number;
  readonly values: readonly (number | null)[];
}

interface WaveformHeader {
  readonly count: number;
  readonly start_s: number;
  readonly step_s: number;
  readonly duration_s: number;
  readonly fields: readonly { readonly offset: number }[];
}

export class MediaClient {
  private readonly path: string;

  constructor(readonly client: Client, readonly project: string, recording: string, private readonly origin: () => bigint) {
    this.path = `/projects/${encodeURIComponent(project)}/recordings/${encodeURIComponent(recording)}/media`;
  }

  async all(): Promise<Medium[]> {
    return (await this.client.get<readonly MediumJson[]>(this.path)).map((one) => this.medium(one));
  }

  /** What was uploaded becomes a film or sound of the recording. */
  async add(name: string, upload: string): Promise<Medium> {
    return this.medium(await this.client.post<MediumJson>(this.path, { name, upload }));
  }

  async align({ id, start, drift, revision }: Medium, by: "hand" | "correlation"): Promise<Medium> {
    const start_ns = String(this.origin() + BigInt(Math.round(start)));
    return this.medium(await this.client.post<MediumJson>(`${this.path}/${id}/alignment`, { start_ns, drift_ppm: drift, aligned_by: by, base_revision: revision }, "PUT"));
  }

  async correlate(id: number, sensor: string, curve: Curve | null): Promise<Found> {
    const found = await this.client.post<{ start_ns: string; drift_ppm: number; correlation: number; runner_up: number; pieces: number }>(`${this.path}/${id}/correlate`, { sensor, curve });
    return { start: Number(BigInt(found.start_ns) - this.origin()), drift: found.drift_ppm, correlation: found.correlation, runnerUp: found.runner_up, pieces: found.pieces };
  }

  async waveform(id: number, from: number, to: number, pixels: number): Promise<{ readonly waveform: Waveform; readonly length: number }> {
    const response = await this.client.request(`${this.path}/${id}/waveform?from=${from}&to=${to}&pixels=${Math.round(pixels)}`);
    const buffer = await response.arrayBuffer(), size = new DataView(buffer).getUint32(4, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size))) as WaveformHeader;
    const [low, high] = header.fields.map(({ offset }) => new Float32Array(buffer, offset, header.count));
    return { waveform: { start: header.start_s, step: header.step_s, low, high }, length: header.duration_s };
  }

  contentUrl(base: string, id: number): string {
    return `${base}${this.path}/${id}/content`;
  }

  private medium(json: MediumJson): Medium {
    return {
      id: json.id, name: json.name, kind: json.kind, start: Number(BigInt(json.start_ns) - this.origin()), drift: json.drift_ppm,
      alignedBy: json.aligned_by, revision: json.revision, length: null,
    };
  }
}
