/** The recordings of a project with their progress, and the wizard that adds one. */

import React, { useMemo } from "react";
import { type Client, RecordingClient } from "../api/client";
import { progress } from "../state/doubt";
import { ImportWizard } from "./ImportWizard";
import { useLoaded } from "./use_loaded";

interface RecordingItem {
  readonly id: number;
  readonly name: string;
  readonly frames: number;
}

interface Props {
  readonly client: Client;
  readonly api: string;
  readonly project: string;
}

export function ProjectPage({ client, api, project }: Props) {
  const path = `/projects/${encodeURIComponent(project)}`;
  const name = useLoaded(useMemo(() => () => client.get<{ readonly name: string }>(path), [client, path]));
  const recordings = useLoaded(useMemo(() => () => client.get<readonly RecordingItem[]>(`${path}/recordings`), [client, path]));
  const failure = name.failure ?? recordings.failure;
  return (
    <>
      <h1>{name.value?.name}</h1>
      {failure && <p role="alert" className="ll-doubt">{failure}</p>}
      <ul className="ll-cards">
        {recordings.value?.map((item) => <RecordingCard key={item.id} item={item} client={client} api={api} project={project} />)}
      </ul>
      {recordings.value?.length === 0 && <p className="ll-hint">no recordings yet</p>}
      <ImportWizard client={client} api={api} project={project} onDone={recordings.reload} />
    </>
  );
}

function RecordingCard({ item, client, api, project }: Props & { item: RecordingItem }) {
  const source = useMemo(() => new RecordingClient(client, project, String(item.id)), [client, project, item.id]);
  const info = useLoaded(useMemo(() => () => source.info(), [source]));
  const labels = useLoaded(useMemo(() => () => source.labels().then(({ labels: read }) => read), [source]));
  const { judged, all } = progress(labels.value ?? new Map());
  const camera = Object.keys(info.value?.images[0] ?? {})[0];
  const page = `/p/${encodeURIComponent(project)}/r/${item.id}`;
  return (
    <li className="ll-card">
      {camera && <img src={source.imageUrl(api, 0, camera)} alt={`first image of ${item.name}`} loading="lazy" />}
      <a href={page}><strong>{item.name}</strong></a>
      <span className="ll-dim">{item.frames} frames, {judged} of {all} tracks judged</span>
      <progress value={judged} max={Math.max(all, 1)} aria-label={`Judged tracks of ${item.name}`} />
      {item.frames > 0 ? <a href={`${page}/edit`}>Open the editor</a> : <a href={`${page}/signals`}>Open the signals</a>}
    </li>
  );
}
