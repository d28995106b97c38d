/** One recording: the map of its drive, its tracks by class, and the automatic annotation with live progress. */

import React, { useMemo, useState } from "react";
import { type Client, RecordingClient } from "../api/client";
import type { Labels } from "../state/labels";
import { ExportChoice } from "./ExportChoice";
import { followJob, startAnnotation, type JobProgress } from "./jobs";
import { useLoaded } from "./use_loaded";

interface Props {
  readonly client: Client;
  readonly api: string;
  readonly project: string;
  readonly recording: string;
}

export function RecordingPage({ client, api, project, recording }: Props) {
  const source = useMemo(() => new RecordingClient(client, project, recording), [client, project, recording]);
  const info = useLoaded(useMemo(() => () => source.info(), [source]));
  const labels = useLoaded(useMemo(() => () => source.labels().then(({ labels: read }) => read), [source]));
  const edit = `/p/${encodeURIComponent(project)}/r/${encodeURIComponent(recording)}/edit`;
  const failure = info.failure ?? labels.failure;
  return (
    <>
      <h1>{info.value?.name} {info.value?.frames !== 0 && <a className="ll-primary" href={edit}>Open the editor</a>}
        {info.value?.sensors.some(({ kind }) => kind === "imu") && <a className="ll-primary" href={edit.replace(/edit$/, "signals")}>Open the signals</a>}</h1>
      {failure && <p role="alert" className="ll-doubt">{failure}</p>}
      {info.value && <p className="ll-dim">{info.value.frames} frames; {info.value.sensors.map(({ name, kind }) => `${name} (${kind})`).join(", ")}</p>}
      <div className="ll-columns">
        <section aria-label="Map of the drive"><h2>Drive</h2>{info.value && <DriveMap poses={info.value.world_from_ego} />}</section>
        <section aria-label="Labels"><h2>Labels</h2>{labels.value && <ByClass labels={labels.value} />}
          <Annotation client={client} api={api} project={project} recording={recording} onDone={labels.reload} />
          <ExportChoice client={client} project={project} recording={recording} /></section>
      </div>
    </>
  );
}

function DriveMap({ poses }: { poses: readonly (readonly number[])[] | null }) {
  if (!poses?.length) return <p className="ll-hint">no ego poses: the drive cannot be drawn</p>;
  const places = poses.map((pose) => [pose[3], -pose[7]] as const);
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
  const size = Math.max(20, Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) * 1.1;
  const [left, top] = [(Math.min(...xs) + Math.max(...xs) - size) / 2, (Math.min(...ys) + Math.max(...ys) - size) / 2];
  const way = places.slice(1).reduce((sum, [x, y], i) => sum + Math.hypot(x - places[i][0], y - places[i][1]), 0);
  return (
    <>
      <svg className="ll-map" viewBox={`${left} ${top} ${size} ${size}`} role="img" aria-label={`Drive of ${way.toFixed(0)} metres`}>
        <polyline points={places.map((place) => place.join(",")).join(" ")} fill="none" stroke="var(--ll-accent)" strokeWidth={size / 120} />
        <circle cx={places[0][0]} cy={places[0][1]} r={size / 60} fill="var(--ll-good)" />
      </svg>
      <p className="ll-dim">{way.toFixed(way < 100 ? 1 : 0)} m driven</p>
    </>
  );
}

function ByClass({ labels }: { labels: Labels }) {
  const tracks = [...labels.values()];
  const classes = [...new Set(tracks.map(({ category }) => category))].sort();
  if (!tracks.length) return <p className="ll-hint">no labels yet</p>;
  return (
    <table>
      <thead><tr><th>class</th><td>tracks</td><td>judged</td><td>cuboids</td></tr></thead>
      <tbody>{classes.map((category) => {
        const of = tracks.filter((track) => track.category === category);
        return <tr key={category}><th>{category}</th><td>{of.length}</td><td>{of.filter(({ state }) => state !== "proposed").length}</td><td>{of.reduce((sum, { cuboids }) => sum + cuboids.size, 0)}</td></tr>;
      })}</tbody>
    </table>
  );
}

function Annotation({ client, api, project, recording, onDone }: Props & { onDone: () => void }) {
  const [job, setJob] = useState<JobProgress | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const running = job !== null && job.state === "running";
  async function start(): Promise<void> {
    setFailure(null);
    try {
      await followJob(api + await startAnnotation(client, project, recording), setJob);
      onDone();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  }
  return (
    <div className="ll-inline" style={{ marginTop: 12 }}>
      <button type="button" disabled={running} onClick={() => void start()}>Annotate automatically</button>
      {job && <span role="status">{job.text}</span>}
      {job && <progress value={job.share} max={1} aria-label="Progress of the annotation" />}
      {failure && <p role="alert" className="ll-doubt">{failure}</p>}
    </div>
  );
}
