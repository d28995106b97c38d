/** Imports as the API spells them. */

import type { Client, SensorInfo } from "../api/client";
import type { Matrix } from "../geometry/transform";
import { type PointCloud, decodePoints } from "../points/decode";
import type { DroppedFile } from "./dropped_files";
import { sendFile } from "./uploads";

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

  /** Sends files one after another and gathers them into a source. */
  async gather(files: readonly DroppedFile[], show: (share: number, text: string) => void): Promise<Source> {
    const all = files.reduce((sum, { file }) => sum + file.size, 0) || 1, sent: { upload: string; path: string }[] = [];
    let before = 0;
    for (const { path, file } of files) {
      if (!file.size) continue;
      const upload = await sendFile(this.client, this.project, file, (share) => show((before + share * file.size) / all, `${sent.length + 1} of ${files.length} files`));
      before += file.size;
      sent.push({ upload, path });
    }
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

  /** Starts the job; where its events come from. */
  async start(source: Source, { sequence, ...choices }: Choices): Promise<string> {
    const job = await this.client.post<{ readonly id: number }>(`${this.path}/${source.id}/start`, { ...choices, sequence: sequence || null });
    return `/projects/${encodeURIComponent(this.project)}/jobs/${job.id}/events`;
  }

  drop(source: Source): Promise<void> {
    return this.client.post(`${this.path}/${source.id}`, {}, "DELETE");
  }
}
