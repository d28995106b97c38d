/** One object over many frames as tiles, seen from above, edited together. */

import React, { useEffect, useMemo, useRef, useState } from "react";
import { type Box, flip, rotate, sizeOf } from "../geometry/box";
import { halfHeight, outline, toPlane } from "../geometry/plane_view";
import { pointsIn, shrink } from "../geometry/snapping";
import type { PointCloud } from "../points/decode";
import { TURN_RAD, interpolateKeyframes } from "../session/operations";
import { chosenTrack, colourOf } from "../session/state";
import { framesOf } from "../state/labels";
import { Dialog } from "./Dialogs";
import { useEditor, useEditorState } from "./use_editor";

const PAGE = 24;
const TILE_PX = 132;

export function BatchDialog() {
  const editor = useEditor();
  const track = useEditorState(chosenTrack);
  const [page, setPage] = useState(0);
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set());
  const frames = useMemo(() => (track ? framesOf(track) : []), [track]);
  if (!track) return null;
  const shown = frames.slice(page * PAGE, (page + 1) * PAGE);
  const wanted = picked.size ? frames.filter((frame) => picked.has(frame)) : shown;
  const toggle = (frame: number) => setPicked((before) => {
    const next = new Set(before);
    if (!next.delete(frame)) next.add(frame);
    return next;
  });
  const change = (make: (box: Box, cloud: PointCloud | null) => Box): void => void Promise.all(
    wanted.map(async (frame) => ({ frame, box: make(track.cuboids.get(frame) as Box, await editor.cloudOf(frame)) })),
  ).then((cuboids) => editor.edit({ kind: "set", track: track.id, cuboids, keyframe: true }));
  return (
    <Dialog title={`Object ${track.id} ${track.category} in ${frames.length} frames`} wide>
      <div className="ll-buttons">
        <span className="ll-dim">{picked.size ? `${picked.size} frames picked` : "all tiles shown"}:</span>
        <button type="button" onClick={() => change(flip)}>Flip</button>
        <button type="button" onClick={() => change((box) => rotate(box, TURN_RAD))}>Rotate left</button>
        <button type="button" onClick={() => change((box) => rotate(box, -TURN_RAD))}>Rotate right</button>
        <button type="button" onClick={() => change((box, cloud) => (cloud ? shrink(box, cloud) : box))}>Shrink to points</button>
        <button type="button" onClick={() => change((box) => box)}>Keyframes</button>
        <button type="button" onClick={() => interpolateKeyframes(editor)}>Interpolate</button>
        <button type="button" onClick={() => editor.edit({ kind: "remove", track: track.id, frames: wanted })}>Delete cuboids</button>
        <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>‹ earlier</button>
        <button type="button" disabled={(page + 1) * PAGE >= frames.length} onClick={() => setPage(page + 1)}>later ›</button>
      </div>
      <div className="ll-tiles">
        {shown.map((frame) => (
          <Tile key={frame} frame={frame} box={track.cuboids.get(frame) as Box} keyframe={track.cuboids.get(frame)?.keyframe ?? false} colour={colourOf(editor.state, track.category)}
            picked={picked.has(frame)} onPick={() => toggle(frame)} onOpen={() => {
              editor.update({ dialog: null });
              void editor.goTo(frame);
            }} />
        ))}
      </div>
    </Dialog>
  );
}

interface TileProps {
  readonly frame: number;
  readonly box: Box;
  readonly keyframe: boolean;
  readonly colour: string;
  readonly picked: boolean;
  readonly onPick: () => void;
  readonly onOpen: () => void;
}

function Tile({ frame, box, keyframe, colour, picked, onPick, onOpen }: TileProps) {
  const editor = useEditor();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cloud, setCloud] = useState<PointCloud | null>(null);
  useEffect(() => {
    let gone = false;
    void editor.cloudOf(frame).then((loaded) => !gone && setCloud(loaded));
    return () => {
      gone = true;
    };
  }, [editor, frame]);
  useEffect(() => {
    if (canvas.current) paint(canvas.current, box, cloud, colour);
  }, [box, cloud, colour]);
  return (
    <button type="button" className="ll-tile" aria-pressed={picked} onClick={onPick} onDoubleClick={onOpen} aria-label={`Frame ${frame}${keyframe ? ", keyframe" : ""}, ${sizeOf(box).map((side) => side.toFixed(1)).join(" by ")} metres`}>
      <canvas ref={canvas} width={TILE_PX} height={TILE_PX} />
      <span>{frame}{keyframe ? " ●" : ""}</span>
    </button>
  );
}

function paint(canvas: HTMLCanvasElement, box: Box, cloud: PointCloud | null, colour: string): void {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const half = halfHeight("top", box, 1), scale = TILE_PX / (2 * half);
  const pixel = ([right, up]: readonly [number, number]) => [TILE_PX / 2 + right * scale, TILE_PX / 2 - up * scale] as const;
  pen.clearRect(0, 0, TILE_PX, TILE_PX);
  pen.fillStyle = getComputedStyle(canvas).getPropertyValue("--ll-ink");
  for (const i of cloud ? pointsIn({ ...box, height: box.height + 0.4 }, cloud, half) : []) {
    if (cloud?.ground?.[i]) continue;
    const [x, y] = pixel(toPlane("top", box, [cloud!.xyz[3 * i], cloud!.xyz[3 * i + 1], 0]));
    pen.fillRect(x, y, 1.3, 1.3);
  }
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  const corners = outline("top", box, box).map(pixel);
  pen.beginPath();
  corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  const [nose, middle] = [pixel([0, box.length / 2]), pixel([0, 0])];
  pen.moveTo(...middle);
  pen.lineTo(...nose);
  pen.stroke();
}
