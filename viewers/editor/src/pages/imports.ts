/** Imports as the API spells them. */

import type { Client, SensorInfo } from "../api/client";
import type { Matrix } from "../geometry/transform";
import { type PointCloud, decodePoints } from "../points/decode";
import type { DroppedFile } from "./dropped_files";

export interface Source {
  readonly id: string;
  readonly name: string;
  readonly format: string | null;
  /** Why no format was recognised. */
  readonly problem: string;
  readonly formats: readonly { readonly name: string; readonly looks: string }[];
}

export interface Reading {
  readonly format: string;
  readonly sequence: string;
}

export interface Preview {
  readonly format: string;
  readonly points: number;
  readonly sensors: readonly SensorInfo[];
  readonly cameras: readonly string[];
}

export interface Choices extends Reading {
  readonly name: string;
  /** `ego_from_source`. */
  readonly turn: Matrix;
  readonly inverted: readonly string[];
}

export class Imports {
  private readonly path: string;

  constructor(private readonly client: Client, private readonly project: string) {
    this.path = `/projects/${encodeURIComponent(project)}/imports`;
  }

  /** Makes a source of files that were sent. */
  gather(files: readonly DroppedFile[], uploads: readonly (string | null)[]): Promise<Source> {
    const sent = files.flatMap(({ path }, i) => (uploads[i] === null ? [] : [{ upload: uploads[i], path }]));
    if (!sent.length) throw new Error("nothing in it: the folder has no files, or they are empty");
    return this.client.post(this.path, { files: sent });
  }

  pointAt(path: string): Promise<Source> {
    return this.client.post(this.path, { path });
  }

  preview(source: Source, { format, sequence }: Reading): Promise<Preview> {
    return this.client.post(`${this.path}/${source.id}/preview`, { format, sequence: sequence || null });
  }

  async points(source: Source): Promise<PointCloud> {
    return decodePoints(await (await this.client.request(`${this.path}/${source.id}/points`)).arrayBuffer());
  }

  imageUrl(base: string, source: Source, camera: string): string {
    return `${base}${this.path}/${source.id}/images/${encodeURIComponent(camera)}`;
  }

  /** Starts the job; its path. */
  async start(source: Source, { sequence, ...choices }: Choices): Promise<string> {
    const job = await this.client.post<{ readonly id: number }>(`${this.path}/${source.id}/start`, { ...choices, sequence: sequence || null });
    return `/projects/${encodeURIComponent(this.project)}/jobs/${job.id}`;
  }

  async cancel(job: string): Promise<void> {
    await this.client.post(`${job}/cancel`);
  }

  drop(source: Source): Promise<void> {
    return this.client.post(`${this.path}/${source.id}`, {}, "DELETE");
  }
}
