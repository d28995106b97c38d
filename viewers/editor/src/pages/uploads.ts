/** Files on their way to the server, piece by piece: what has arrived stays, through broken lines and reloads of the page. */

import { ApiError, type Client, Unreachable } from "../api/client";
import type { DroppedFile } from "./dropped_files";
import { Sha256 } from "./sha256";
import { Transfer } from "./transfer";

const SENT_BYTES = 8 * 1024 * 1024;
const HASHED_BYTES = 4 * 1024 * 1024; // some 20 ms, so that the page stays awake
const TRIES = 5;
const PAGE = 1000;

export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly offset: number;
}

/** Told after every piece. */
export type Watch = (transfer: Transfer) => void;

export class Uploads {
  private readonly path: string;

  constructor(private readonly client: Client, project: string) {
    this.path = `/projects/${encodeURIComponent(project)}/uploads`;
  }

  /** One's own that have not become anything yet, of this page or one that was closed. */
  async waiting(): Promise<Upload[]> {
    const found: Upload[] = [];
    for (;;) {
      const more = await this.client.get<readonly Upload[]>(`${this.path}?limit=${PAGE}&after=${found.at(-1)?.id ?? ""}`);
      found.push(...more);
      if (more.length < PAGE) return found;
    }
  }

  async drop(uploads: readonly Upload[]): Promise<void> {
    for (const { id } of uploads) await this.client.post(`${this.path}/${id}`, {}, "DELETE");
  }

  /** Registers a recording (.h5) that was sent. */
  complete(upload: string): Promise<{ readonly id: number }> {
    return this.client.post(`${this.path}/${upload}/complete`);
  }

  /** Sends files one after another; those that the server has in part or whole go on from there. The ids, in their order; null for an empty file. */
  async send(files: readonly DroppedFile[], watch: Watch = () => undefined, signal?: AbortSignal): Promise<(string | null)[]> {
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    const checking = new Transfer("checking", bytes), sending = new Transfer("sending", bytes);
    const known = new Map((await this.waiting()).map((upload) => [`${upload.sha256} ${upload.size}`, upload]));
    const ids: (string | null)[] = [];
    for (const { file } of files) {
      if (!file.size) {
        ids.push(null);
        continue;
      }
      const sha256 = await hashed(file, checking, watch, signal);
      const promise = { name: file.name.replace(/\.h5$/, ""), size: file.size, sha256 };
      const key = `${sha256} ${file.size}`, upload = known.get(key) ?? await this.client.post<Upload>(this.path, promise);
      known.delete(key); // a second file with the same bytes is an upload of its own
      await this.sendRest(upload, file, sending, watch, signal);
      ids.push(upload.id);
    }
    return ids;
  }

  private async sendRest(upload: Upload, file: File, sending: Transfer, watch: Watch, signal?: AbortSignal): Promise<void> {
    let { offset } = upload, failures = 0;
    sending.skip(offset);
    while (offset < file.size) {
      watch(sending);
      try {
        const reply = await this.client.request(`${this.path}/${upload.id}`, {
          method: "PATCH", body: file.slice(offset, offset + SENT_BYTES), signal,
          headers: { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" },
        });
        const came = (await reply.json() as Upload).offset;
        sending.move(came - offset, performance.now());
        offset = came;
        failures = 0;
      } catch (error) {
        const passes = error instanceof Unreachable || (error instanceof ApiError && error.status === 409); // another page sends it
        if (!passes || ++failures > TRIES) throw error;
        await new Promise((wake) => setTimeout(wake, 500 * failures));
        signal?.throwIfAborted();
        const came = (await this.client.get<Upload>(`${this.path}/${upload.id}`)).offset;
        sending.skip(came - offset);
        offset = came;
      }
    }
    watch(sending);
  }
}

async function hashed(file: File, checking: Transfer, watch: Watch, signal?: AbortSignal): Promise<string> {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += HASHED_BYTES) {
    const piece = new Uint8Array(await file.slice(at, at + HASHED_BYTES).arrayBuffer());
    signal?.throwIfAborted();
    hash.update(piece);
    checking.move(piece.length, performance.now());
    watch(checking);
  }
  return hash.digest();
}
