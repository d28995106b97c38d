/** The REST API as the editor uses it; every answer is checked for an error and turned into our types. */

import type { Box, Vec3 } from "../geometry/box";
import { type PointCloud, decodePoints } from "../points/decode";
import type { Labels } from "../state/labels";
import type { Pending, ServerTrack } from "../state/sync";
import { pointsPath, recordingPath, takeEarly } from "./early";
import { type LabelsJson, type TrackStateJson, readLabels, readTracks, writeEdit } from "./labels_json";

export interface SensorInfo {
  readonly name: string;
  readonly kind: "lidar" | "radar" | "camera" | "imu";
  readonly ego_from_sensor: readonly number[];
  readonly model: string;
  readonly intrinsics?: readonly number[] | null;
  readonly distortion?: readonly number[] | null;
  readonly width?: number | null;
  readonly height?: number | null;
}

export interface RecordingInfo {
  readonly name: string;
  readonly content_hash: string;
  readonly frames: number;
  readonly time_ns: readonly string[];
  readonly world_from_ego: readonly (readonly number[])[] | null;
  readonly origin: Vec3;
  readonly sensors: readonly SensorInfo[];
  /** Of each frame: camera → index of its image. */
  readonly images: readonly Readonly<Record<string, number>>[];
}

export interface Fit {
  readonly box: Box;
  readonly category: string;
  readonly points: number;
  readonly reason: string;
}

export interface Cluster {
  readonly box: Box;
  readonly points: number;
}

export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly states: readonly ServerTrack[] = []) {
    super(message);
  }
}

/** The network or the server is away; worth trying again. */
export class Unreachable extends Error {}

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly states?: readonly TrackStateJson[];
}

export class Client {
  private csrf = "";

  constructor(private readonly base: string) {}

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (init.method && init.method !== "GET") headers.set("X-CSRF-Token", this.csrf);
    let response: Response;
    try {
      const early = init.method ? undefined : takeEarly(this.base + path);
      response = await (early ?? fetch(this.base + path, { ...init, headers, credentials: "same-origin" }));
    } catch {
      init.signal?.throwIfAborted();
      throw new Unreachable("the server does not answer");
    }
    if ([502, 503, 504].includes(response.status)) throw new Unreachable("the server is not ready");
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.request(path)).json() as Promise<T>;
  }

  async post<T>(path: string, body: unknown = {}, method = "POST"): Promise<T> {
    const response = await this.request(path, {
      method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    });
    return (response.status === 204 ? undefined : response.json()) as Promise<T>;
  }

  async session(): Promise<Session> {
    const session = await this.get<Session>("/session");
    this.csrf = session.csrf ?? "";
    return session;
  }
}

export interface Session {
  readonly user: string | null;
  readonly csrf?: string | null;
  readonly mode: string;
  readonly roles?: Readonly<Record<string, string>>;
}

async function problemOf(response: Response): Promise<ApiError> {
  const problem = await response.json().catch(() => ({})) as Problem;
  const text = [problem.title, problem.detail].filter(Boolean).join(": ") || `the server answers ${response.status}`;
  return new ApiError(response.status, text, problem.states ? readTracks(problem.states.filter(({ cuboids }) => cuboids)) : []);
}

/** What edits made of the tracks that they touched, and the number of the last of them. */
export interface Applied {
  readonly seq: number;
  readonly states: readonly ServerTrack[];
}

interface AppliedJson {
  readonly seq: number;
  readonly tracks: readonly TrackStateJson[];
}

const appliedOf = ({ seq, tracks }: AppliedJson): Applied => ({ seq, states: readTracks(tracks) });

/** Different for every edit; `crypto.randomUUID` is missing on pages without HTTPS. */
export function newClientId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One recording of a project. */
export class RecordingClient {
  private readonly path: string;

  constructor(readonly client: Client, project: string, recording: string) {
    this.path = recordingPath(project, recording);
  }

  info(): Promise<RecordingInfo> {
    return this.client.get(this.path);
  }

  /** A frame's points, evenly thinned where there are more than so many. */
  async points(frame: number, most: number): Promise<PointCloud> {
    const response = await this.client.request(pointsPath(this.path, frame, most));
    return decodePoints(await response.arrayBuffer());
  }

  /** A frame's points within metres of a place seen from above. */
  async pointsNear(frame: number, [x, y]: readonly [number, number], radius: number, most: number): Promise<PointCloud> {
    const response = await this.client.request(`${pointsPath(this.path, frame, most)}&near=${x},${y},${radius}`);
    return decodePoints(await response.arrayBuffer());
  }

  async radar(frame: number, sensor: string): Promise<PointCloud> {
    const response = await this.client.request(`${this.path}/frames/${frame}/radar/${encodeURIComponent(sensor)}`);
    return decodePoints(await response.arrayBuffer());
  }

  async fusedCloud(track: number, frame: number): Promise<PointCloud> {
    const response = await this.client.request(`${this.path}/tracks/${track}/cloud?frame=${frame}`);
    return decodePoints(await response.arrayBuffer());
  }

  imageUrl(base: string, frame: number, camera: string): string {
    return `${base}${this.path}/frames/${frame}/images/${encodeURIComponent(camera)}`;
  }

  async labels(): Promise<{ readonly labels: Labels; readonly seq: number }> {
    const json = await this.client.get<LabelsJson>(`${this.path}/labels`);
    return { labels: readLabels(json), seq: json.revision };
  }

  /** The number of the newest edit by anybody. */
  async newestEdit(): Promise<number> {
    const [newest] = await this.client.get<readonly { readonly seq: number }[]>(`${this.path}/history?limit=1`);
    return newest?.seq ?? 0;
  }

  async send(batch: readonly Pending[], revision: (track: number) => number): Promise<Applied> {
    return appliedOf(await this.client.post<AppliedJson>(`${this.path}/edits`, { edits: batch.map((pending) => writeEdit(pending, revision)) }));
  }

  async step(what: "undo" | "redo", clientId: string): Promise<Applied> {
    return appliedOf(await this.client.post<AppliedJson>(`${this.path}/${what}`, { client_id: clientId }));
  }

  async fit(frame: number, what: { click: Vec3 } | { box: Box }, category?: string): Promise<Fit> {
    const question = "box" in what ? { box: boxRow(what.box) } : what;
    const reply = await this.client.post<FitJson>(`${this.path}/fit`, { frame, ...question, category });
    return { ...reply, box: rowBox(reply.box) };
  }

  async uncovered(frame: number): Promise<Cluster[]> {
    const reply = await this.client.get<{ clusters: readonly { box: BoxJson; points: number }[] }>(`${this.path}/frames/${frame}/uncovered`);
    return reply.clusters.map(({ box, points }) => ({ box: rowBox(box), points }));
  }

  deletePreview(track: number): Promise<Readonly<Record<string, unknown>>> {
    return this.client.get(`${this.path}/tracks/${track}/delete-preview`);
  }
}

type BoxJson = readonly number[] | Partial<Box>;
interface FitJson {
  readonly box: BoxJson;
  readonly category: string;
  readonly points: number;
  readonly reason: string;
}

export function boxRow(box: Box): number[] {
  return [box.x, box.y, box.z, box.length, box.width, box.height, box.yaw];
}

export function rowBox(row: BoxJson): Box {
  const still = { pitch: 0, roll: 0 };
  if (!Array.isArray(row)) return { ...still, ...(row as Box) };
  const [x, y, z, length, width, height, yaw] = row as number[];
  return { x, y, z, length, width, height, yaw, ...still };
}
