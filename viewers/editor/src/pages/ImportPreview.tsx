/** What a source is read as: its format, which way is forward and up, where its cameras look; then the import. */

import React, { useEffect, useState } from "react";
import { isTurned, quarterTurned, sourceAxis } from "../geometry/turns";
import { IDENTITY, type Matrix } from "../geometry/transform";
import type { PointCloud } from "../points/decode";
import { CameraProof } from "./CameraProof";
import { CloudPlan } from "./CloudPlan";
import type { Imports, Preview, Reading, Source } from "./imports";
import { type JobProgress, followJob } from "./jobs";

interface Props {
  readonly api: string;
  readonly imports: Imports;
  readonly source: Source;
  readonly project: string;
  readonly onClose: () => void;
}

interface Seen {
  readonly preview: Preview;
  readonly cloud: PointCloud;
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function ImportPreview({ api, imports, source, project, onClose }: Props) {
  const [reading, setReading] = useState<Reading>({ format: source.format ?? "", sequence: "" });
  const [seen, setSeen] = useState<Seen | null>(null);
  const [failure, setFailure] = useState<string | null>(source.problem || null);
  const [turn, setTurn] = useState<Matrix>(IDENTITY);
  const [inverted, setInverted] = useState<readonly string[]>([]);
  const [name, setName] = useState(source.name);
  const [job, setJob] = useState<JobProgress | null>(null);
  const [started, setStarted] = useState<string | null>(null);

  useEffect(() => {
    if (!reading.format) return undefined;
    let gone = false;
    setSeen(null);
    imports.preview(source, reading)
      .then(async (preview) => ({ preview, cloud: await imports.points(source) }))
      .then((found) => {
        if (gone) return;
        setFailure(null);
        setSeen(found);
      }, (error: unknown) => !gone && setFailure(words(error)));
    return () => {
      gone = true;
    };
  }, [imports, source, reading]);

  async function start(): Promise<void> {
    setFailure(null);
    try {
      const path = await imports.start(source, { ...reading, name, turn, inverted });
      setStarted(path);
      const recording = await followJob(`${api}${path}/events`, setJob);
      window.location.assign(`/p/${encodeURIComponent(project)}/r/${recording}/edit`);
    } catch (error) {
      setFailure(words(error));
      setJob(null);
      setStarted(null);
    }
  }

  const invert = (camera: string): void =>
    setInverted(inverted.includes(camera) ? inverted.filter((one) => one !== camera) : [...inverted, camera]);

  return (
    <div className="ll-import">
      <FormatChoice source={source} reading={reading} onRead={setReading} />
      {failure && <p role="alert" className="ll-doubt">{failure}</p>}
      {reading.format && !seen && !failure && <p role="status">reading the first sweeps …</p>}
      {seen && <>
        <Axes cloud={seen.cloud} turn={turn} onTurn={setTurn} points={seen.preview.points} />
        <div className="ll-proofs">
          {seen.preview.cameras.map((camera) => {
            const sensor = seen.preview.sensors.find((one) => one.name === camera);
            return sensor && <CameraProof key={camera} sensor={sensor} image={`${imports.imageUrl(api, source, camera)}?${seen.preview.format}`} cloud={seen.cloud}
              inverted={inverted.includes(camera)} onInvert={() => invert(camera)} />;
          })}
        </div>
      </>}
      <div className="ll-inline">
        <label>name <input value={name} onChange={(event) => setName(event.target.value)} aria-label="Name of the recording" /></label>
        <button type="button" className="ll-accept" disabled={!seen || !name || job !== null} onClick={() => void start()}>Import and open</button>
        <button type="button" disabled={job !== null} onClick={onClose}>Leave it</button>
        {started && <button type="button" onClick={() => void imports.cancel(started).catch((error: unknown) => setFailure(words(error)))}>Cancel</button>}
        {job && <span role="status">{job.text}</span>}
        {job && <progress value={job.share} max={1} aria-label="Progress of the import" />}
      </div>
    </div>
  );
}

function FormatChoice({ source, reading, onRead }: { source: Source; reading: Reading; onRead: (reading: Reading) => void }) {
  const looks = source.formats.find(({ name }) => name === reading.format)?.looks;
  return (
    <div className="ll-inline">
      <label>format <select value={reading.format} aria-label="Format" onChange={(event) => onRead({ ...reading, format: event.target.value })}>
        {!reading.format && <option value="">choose one</option>}
        {source.formats.map(({ name }) => <option key={name} value={name}>{name}{name === source.format ? " (recognised)" : ""}</option>)}
      </select></label>
      <form className="ll-inline" onSubmit={(event) => {
        event.preventDefault();
        onRead({ ...reading, sequence: String(new FormData(event.currentTarget).get("sequence")).trim() });
      }}>
        <label>sequence <input name="sequence" size={12} placeholder="if there are several" aria-label="Sequence" /></label>
      </form>
      {looks && <span className="ll-dim">{looks}</span>}
    </div>
  );
}

function Axes({ cloud, turn, points, onTurn }: { cloud: PointCloud; turn: Matrix; points: number; onTurn: (turn: Matrix) => void }) {
  return (
    <div role="group" aria-label="Axes">
      <p className="ll-inline">
        <span>forward is <strong>{sourceAxis(turn, 0)}</strong> of the source, left <strong>{sourceAxis(turn, 1)}</strong>, up <strong>{sourceAxis(turn, 2)}</strong></span>
        <button type="button" onClick={() => onTurn(quarterTurned(turn, "z"))} title="about the upward axis">Turn left 90°</button>
        <button type="button" onClick={() => onTurn(quarterTurned(turn, "y"))} title="about the leftward axis">Pitch 90°</button>
        <button type="button" onClick={() => onTurn(quarterTurned(turn, "x"))} title="about the forward axis">Roll 90°</button>
        {isTurned(turn) && <button type="button" onClick={() => onTurn(IDENTITY)}>As the source says</button>}
        <span className="ll-dim">{points.toLocaleString("en")} points in the first frame</span>
      </p>
      <div className="ll-plans">
        <CloudPlan cloud={cloud} turn={turn} side={false} />
        <CloudPlan cloud={cloud} turn={turn} side />
      </div>
    </div>
  );
}
