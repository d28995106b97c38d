/** Beside the signal: the recording's image and points at the cursor's time, with the cuboids of that frame. */

import React, { useEffect, useMemo, useRef, useState } from "react";
import type { RecordingClient, RecordingInfo } from "../api/client";
import { FrameCache, neighbours } from "../points/frame_cache";
import { CloudView } from "./cloud_view";
import { colourOf } from "./drawing";
import { frameAt } from "./scene";
import type { SignalsSession } from "./session";
import { SECOND } from "./time_axis";

interface Props {
  readonly session: SignalsSession;
  readonly info: RecordingInfo;
  readonly source: RecordingClient;
}

/** Points are few in so small a view. */
const MOST_POINTS = 60_000, KEPT_BYTES = 64 * 2 ** 20;

export function SceneBeside({ session, info, source, api, editor }: Props & { readonly api: string; readonly editor: string }) {
  const { scene, cursor } = session.state;
  if (!scene || !scene.times.length) return null;
  const frame = frameAt(scene.times, cursor), away = (scene.times[frame] - cursor) / SECOND;
  const object = session.state.object === null ? "" : `&track=${session.state.object}`;
  return (
    <>
      <Picture info={info} times={scene.times} cursor={cursor} source={source} api={api} />
      {info.sensors.some(({ kind }) => kind === "lidar") && <Points session={session} info={info} source={source} frame={frame} />}
      <p className="ll-frame-note"><a href={`${editor}?frame=${frame}${object}`}>cuboids of frame {frame}</a> <span className="ll-dim">{away >= 0 ? "+" : "−"}{Math.abs(away).toFixed(2)} s</span></p>
    </>
  );
}

/** The image nearest in time: a camera need not have one in every frame. */
function Picture({ info, times, cursor, source, api }: Omit<Props, "session"> & { times: readonly number[]; cursor: number; api: string }) {
  const cameras = info.sensors.filter(({ kind }) => kind === "camera").map(({ name }) => name);
  const [camera, setCamera] = useState(cameras[0]);
  const frames = useMemo(() => times.flatMap((_, frame) => (info.images[frame]?.[camera] === undefined ? [] : [frame])), [info, times, camera]);
  if (!cameras.length) return null;
  const frame = frames[frameAt(frames.map((one) => times[one]), cursor)];
  return (
    <section className="ll-beside-one" aria-label="Camera">
      <select aria-label="Camera shown" value={camera} onChange={(event) => setCamera(event.target.value)}>{cameras.map((name) => <option key={name}>{name}</option>)}</select>
      {frame === undefined ? <p className="ll-hint">no image of this camera</p>
        : <img className="ll-frame" data-frame={frame} src={source.imageUrl(api, frame, camera)} alt={`${camera}, frame ${frame}`} />}
    </section>
  );
}

function Points({ session, info, source, frame }: Props & { frame: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [view, setView] = useState<CloudView | null>(null);
  const cache = useMemo(() => new FrameCache((one) => source.points(one, MOST_POINTS), () => KEPT_BYTES), [source]);
  const wanted = useRef(frame);
  wanted.current = frame;
  useEffect(() => {
    if (!canvas.current) return undefined;
    const made = new CloudView(canvas.current);
    setView(made);
    return () => made.dispose();
  }, []);
  useEffect(() => {
    if (!view) return;
    cache.get(frame).then((cloud) => {
      if (wanted.current !== frame) return;
      view.showCloud(frame, cloud);
      cache.prefetch(neighbours(frame, info.frames, 1, 2));
    }).catch(() => session.notify(`the points of frame ${frame} cannot be loaded`));
  }, [view, frame, cache, info, session]);
  const { scene, object } = session.state;
  useEffect(() => {
    if (!view || !scene) return;
    view.showBoxes([...scene.labels.values()].flatMap(({ id, category, state, cuboids }) => {
      const box = cuboids.get(frame);
      return box && state !== "rejected" ? [{ box, colour: colourOf(session.state, category), chosen: id === object, open: state === "proposed" }] : [];
    }));
  }, [view, scene, object, frame, session]);
  return <section className="ll-beside-one" aria-label="Points"><canvas ref={canvas} className="ll-cloud" aria-label={`Points of frame ${frame}; drag to turn, wheel to zoom`} /></section>;
}
