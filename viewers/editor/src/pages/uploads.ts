/** Sends a file in chunks; what has arrived stays, so a broken line goes on where it ended. */

import { type Client, Unreachable } from "../api/client";

const CHUNK_BYTES = 8 * 1024 * 1024;
const TRIES = 5;

interface UploadJson {
  readonly id: string;
  readonly offset: number;
}

/** A recording (.h5), sent and registered. */
export async function uploadRecording(client: Client, project: string, file: File, show: (share: number) => void): Promise<{ readonly id: number }> {
  const upload = await sendFile(client, project, file, show);
  return client.post(`/projects/${encodeURIComponent(project)}/uploads/${upload}/complete`);
}

/** The upload's id once all bytes have come. */
export async function sendFile(client: Client, project: string, file: File, show: (share: number) => void): Promise<string> {
  const path = `/projects/${encodeURIComponent(project)}/uploads`;
  if (!crypto.subtle) throw new Error("sending files needs HTTPS or localhost, where the browser can check them");
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const upload = await client.post<UploadJson>(path, { name: file.name.replace(/\.h5$/, ""), size: file.size, sha256 });
  let { offset } = upload, failures = 0;
  while (offset < file.size) {
    try {
      const reply = await client.request(`${path}/${upload.id}`, {
        method: "PATCH", body: file.slice(offset, offset + CHUNK_BYTES),
        headers: { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" },
      });
      offset = (await reply.json() as UploadJson).offset;
      failures = 0;
      show(offset / file.size);
    } catch (error) {
      if (!(error instanceof Unreachable) || ++failures > TRIES) throw error;
      await new Promise((wake) => setTimeout(wake, 500 * failures));
      offset = (await client.get<UploadJson>(`${path}/${upload.id}`)).offset;
    }
  }
  return upload.id;
}
