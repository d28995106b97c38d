/** Frames from left to right; of each listed track where it is, its keyframes and its doubt. */

import React, { useEffect, useMemo, useRef, useState } from "react";
import { colourOf, type EditorState } from "../session/state";
import { listed } from "../state/doubt";
import type { Track } from "../state/labels";
import { useEditor, useEditorState } from "./use_editor";

const ROW_PX = 13;
const NAME_PX = 96;
const HEAD_PX = 16;

export function Timeline() {
  const editor = useEditor();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(600);
  const frame = useEditorState((state) => state.frame);
  const labels = useEditorState((state) => state.labels);
  const list = useEditorState((state) => state.list);
  const chosen = useEditorState((state) => state.chosen);
  const theme = useEditorState((state) => state.settings.theme);
  const playing = useEditorState((state) => state.playing);
  const { frames, time_ns } = editor.state.recording;
  const doubts = useEditorState((state) => state.doubts);
  const tracks = useMemo(() => listed(labels, list, doubts), [labels, list, doubts]);
  const pitch = (width - NAME_PX) / frames;

  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(200, entry.contentRect.width)));
    observer.observe(element.parentElement as HTMLElement);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (canvas.current) paint(canvas.current, editor.state, tracks, width);
  }, [frame, tracks, chosen, width, theme, editor]);

  const row = tracks.findIndex(({ id }) => id === chosen);
  useEffect(() => {
    const box = canvas.current?.parentElement, y = HEAD_PX + row * ROW_PX;
    if (box && row >= 0 && (y < box.scrollTop || y + ROW_PX > box.scrollTop + box.clientHeight)) box.scrollTop = y - box.clientHeight / 2;
  }, [row]);

  function click(event: React.MouseEvent<HTMLCanvasElement>): void {
    const rect = event.currentTarget.getBoundingClientRect();
    const track = tracks[Math.floor((event.clientY - rect.top - HEAD_PX) / ROW_PX)];
    const to = Math.floor((event.clientX - rect.left - NAME_PX) / pitch);
    if (track && event.clientY - rect.top > HEAD_PX) editor.choose(track.id);
    if (to >= 0 && to < frames) void editor.goTo(to);
  }

  const seconds = time_ns.length ? Number(BigInt(time_ns[frame] ?? 0) - BigInt(time_ns[0])) / 1e9 : 0;
  return (
    <section className="ll-timeline" aria-label="Timeline">
      <div className="ll-transport">
        <button type="button" onClick={() => void editor.goTo(frame - 1)} aria-label="Previous frame">◀</button>
        <button type="button" onClick={() => editor.play(!playing)} aria-label={playing ? "Pause" : "Play"}>{playing ? "❚❚" : "▶"}</button>
        <button type="button" onClick={() => void editor.goTo(frame + 1)} aria-label="Next frame">▶</button>
        <input type="range" min={0} max={frames - 1} value={frame} aria-label="Frame" onChange={(event) => void editor.goTo(Number(event.target.value))} />
        <output>frame {frame} of {frames} · {seconds.toFixed(2)} s</output>
      </div>
      <div className="ll-rows">
        <canvas ref={canvas} onClick={click} role="img" aria-label={`${tracks.length} tracks over ${frames} frames`} />
      </div>
    </section>
  );
}

function paint(canvas: HTMLCanvasElement, state: EditorState, tracks: readonly Track[], width: number): void {
  const ratio = window.devicePixelRatio, height = HEAD_PX + ROW_PX * Math.max(tracks.length, 1) + 4;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const style = getComputedStyle(canvas);
  const ink = style.getPropertyValue("--ll-ink"), dim = style.getPropertyValue("--ll-dim"), strong = style.getPropertyValue("--ll-accent");
  const { frames } = state.recording, pitch = (width - NAME_PX) / frames;
  pen.scale(ratio, ratio);
  pen.font = "10px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillStyle = dim;
  const every = Math.max(1, Math.ceil(frames / 12));
  for (let frame = 0; frame < frames; frame += every) pen.fillText(String(frame), NAME_PX + frame * pitch, HEAD_PX / 2);
  tracks.forEach((track, row) => paintTrack(pen, state, track, HEAD_PX + row * ROW_PX, pitch, ink));
  pen.fillStyle = strong;
  pen.globalAlpha = 0.35;
  pen.fillRect(NAME_PX + state.frame * pitch, 0, Math.max(2, pitch), height);
}

function paintTrack(pen: CanvasRenderingContext2D, state: EditorState, track: Track, y: number, pitch: number, ink: string): void {
  const colour = colourOf(state, track.category), here = track.id === state.chosen;
  pen.globalAlpha = here ? 0.18 : 0;
  pen.fillStyle = ink;
  pen.fillRect(0, y, NAME_PX + pitch * state.recording.frames, ROW_PX);
  pen.globalAlpha = track.state === "rejected" ? 0.3 : 1;
  pen.fillText(`${track.id} ${track.category}`.slice(0, 16), 4, y + ROW_PX / 2);
  for (const [frame, { keyframe }] of track.cuboids) {
    pen.fillStyle = colour;
    pen.globalAlpha = track.state === "accepted" ? 1 : track.state === "rejected" ? 0.2 : 0.55;
    pen.fillRect(NAME_PX + frame * pitch, y + 3, Math.max(1, pitch - 0.5), ROW_PX - 6);
    if (keyframe) {
      pen.globalAlpha = 1;
      pen.fillStyle = ink;
      pen.beginPath();
      pen.arc(NAME_PX + (frame + 0.5) * pitch, y + ROW_PX / 2, 3, 0, 7);
      pen.fill();
    }
  }
  pen.globalAlpha = 1;
  const doubt = state.doubts.get(track.id)?.score ?? 0;
  if (doubt > 0.1 && track.state === "proposed") {
    pen.fillStyle = `hsl(${Math.round(50 - 50 * doubt)} 90% 55%)`;
    pen.fillRect(NAME_PX - 5, y + 2, 3, ROW_PX - 4);
  }
}
