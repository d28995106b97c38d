/** Machine work on the server: started here, watched until it ends. */

import type { Client } from "../api/client";

interface JobJson {
  readonly id: number;
  readonly recording_id?: number;
  readonly state: string;
  readonly stage?: string;
  readonly done?: number;
  readonly total?: number;
  readonly message?: string;
}

export interface JobProgress {
  readonly state: "running" | "done" | "failed";
  readonly share: number;
  readonly text: string;
}

const ENDED = ["done", "failed", "cancelled", "interrupted"];

/** Where the events of a new annotation of a recording come from. */
export async function startAnnotation(client: Client, project: string, recording: string): Promise<string> {
  const place = `/projects/${encodeURIComponent(project)}`;
  const job = await client.post<JobJson>(`${place}/recordings/${encodeURIComponent(recording)}/jobs`, { kind: "annotate" });
  return `${place}/jobs/${job.id}/events`;
}

/** Shows every change until the job has ended, then gives its recording; rejects with the server's words when it failed. */
export function followJob(url: string, show: (progress: JobProgress) => void): Promise<number> {
  return new Promise((done, fail) => {
    const events = new EventSource(url); // connects again by itself
    events.addEventListener("job", (event) => {
      const job = JSON.parse((event as MessageEvent<string>).data) as JobJson;
      show(progressOf(job));
      if (!ENDED.includes(job.state)) return;
      events.close();
      if (job.state === "done") done(job.recording_id ?? 0);
      else fail(new Error(job.message || job.state));
    });
  });
}

export function progressOf(job: JobJson): JobProgress {
  const ended = ENDED.includes(job.state);
  const share = job.total ? (job.done ?? 0) / job.total : 0;
  const count = job.total ? ` ${job.done ?? 0} of ${job.total}` : "";
  return {
    state: !ended ? "running" : job.state === "done" ? "done" : "failed",
    share: job.state === "done" ? 1 : share,
    text: ended ? job.message || job.state : `${job.stage || job.state}${count}`,
  };
}
