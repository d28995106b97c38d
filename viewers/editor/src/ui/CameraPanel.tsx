/** The image of the camera that sees the chosen object best, with the frame's cuboids drawn into it. */

import React, { useMemo, useState } from "react";
import type { Box } from "../geometry/box";
import { type CameraModel, type Segment, projectBox, visibility } from "../geometry/camera";
import { type Matrix, invert } from "../geometry/transform";
import type { SensorInfo } from "../api/client";
import { chosenBox, colourOf } from "../session/state";
import { inFrame } from "../state/labels";
import { useEditor, useEditorState } from "./use_editor";

interface Lens {
  readonly name: string;
  readonly camera: CameraModel;
  readonly cameraFromEgo: Matrix;
}

function lensOf(sensor: SensorInfo): Lens[] {
  if (sensor.kind !== "camera" || !sensor.intrinsics || !sensor.width || !sensor.height) return [];
  const camera = { model: sensor.model, intrinsics: sensor.intrinsics.flat(), distortion: sensor.distortion ?? [], width: sensor.width, height: sensor.height };
  return [{ name: sensor.name, camera, cameraFromEgo: invert(sensor.ego_from_sensor.flat()) }];
}

export function CameraPanel({ base }: { base: string }) {
  const editor = useEditor();
  const lenses = useMemo(() => editor.state.recording.sensors.flatMap(lensOf), [editor]);
  const fixed = useEditorState((state) => state.camera);
  const box = useEditorState(chosenBox);
  const images = useEditorState((state) => state.recording.images[state.frame]);
  const [large, setLarge] = useState(false);
  if (!lenses.length) return null;
  const withImage = lenses.filter(({ name }) => images?.[name] !== undefined);
  const lens = lenses.find(({ name }) => name === fixed) ?? best(withImage.length ? withImage : lenses, box);
  return (
    <section className={large ? "ll-camera ll-large" : "ll-camera"} aria-label="Camera">
      <header>
        <select aria-label="Camera shown" value={fixed ?? ""} onChange={(event) => editor.update({ camera: event.target.value || null })}>
          <option value="">best camera: {lens.name}</option>
          {lenses.map(({ name }) => <option key={name}>{name}</option>)}
        </select>
        <button type="button" onClick={() => setLarge(!large)} aria-pressed={large} title="Larger image">⤢</button>
      </header>
      <Picture base={base} lens={lens} />
    </section>
  );
}

function best(lenses: readonly Lens[], box: Box | null): Lens {
  if (!box) return lenses[0];
  return lenses.reduce((first, lens) =>
    visibility(lens.camera, lens.cameraFromEgo, box) > visibility(first.camera, first.cameraFromEgo, box) ? lens : first);
}

function Picture({ base, lens }: { base: string; lens: Lens }) {
  const editor = useEditor();
  const frame = useEditorState((state) => state.frame);
  const labels = useEditorState((state) => state.labels);
  const draft = useEditorState((state) => state.draft);
  const chosen = useEditorState((state) => state.chosen);
  const missing = editor.state.recording.images[frame]?.[lens.name] === undefined;
  const url = editor.client.imageUrl(base, frame, lens.name);
  const { width, height } = lens.camera;
  const drawn = useMemo(() => inFrame(labels, frame).map(({ track, cuboid }) => ({
    id: track.id, colour: colourOf(editor.state, track.category),
    lines: pathOf(projectBox(lens.camera, lens.cameraFromEgo, draft?.track === track.id && draft.frame === frame ? draft.box : cuboid)),
  })), [labels, frame, draft, lens, editor]);
  return (
    <div className="ll-picture" style={{ aspectRatio: `${width} / ${height}` }}>
      {!missing && <img src={url} alt={`${lens.name} at frame ${frame}`} />}
      {missing && <p className="ll-hint">no image of {lens.name} at this frame</p>}
      <svg viewBox={`0 0 ${width} ${height}`} className="ll-overlay">
        {drawn.map(({ id, colour, lines }) => lines && (
          <path key={id} d={lines} stroke={colour} className={id === chosen ? "ll-projected ll-here" : "ll-projected"} onClick={() => editor.choose(id)}>
            <title>{`object ${id}`}</title>
          </path>
        ))}
      </svg>
    </div>
  );
}

function pathOf(segments: readonly Segment[]): string {
  return segments.map(([a, b]) => `M${a[0].toFixed(1)},${a[1].toFixed(1)}L${b[0].toFixed(1)},${b[1].toFixed(1)}`).join("");
}
