/** Class, attributes, numbers and operations of the chosen object. */

import React, { useEffect, useState } from "react";
import type { Box } from "../geometry/box";
import type { Attribute } from "../api/ontology_json";
import { ACTIONS } from "../session/commands";
import { copyTo, setClass, typeNumber } from "../session/operations";
import { chosenBox, chosenCuboid, chosenTrack, classOf } from "../session/state";
import { COMMANDS, type Command, keymapOf } from "../state/keymap";
import { keyframesOf, type Track } from "../state/labels";
import { useEditor, useEditorState } from "./use_editor";

const NUMBERS: readonly { readonly name: keyof Box; readonly unit: string; readonly scale: number }[] = [
  { name: "x", unit: "m", scale: 1 }, { name: "y", unit: "m", scale: 1 }, { name: "z", unit: "m", scale: 1 },
  { name: "length", unit: "m", scale: 1 }, { name: "width", unit: "m", scale: 1 }, { name: "height", unit: "m", scale: 1 },
  { name: "yaw", unit: "°", scale: 180 / Math.PI },
];
const BUTTONS: readonly Command[] = ["fit", "ground", "flip", "quarter", "interpolate", "keyframe", "split", "merge", "trajectory", "fuse", "batch", "remove", "remove_track"];
const SHORT: Partial<Record<Command, string>> = {
  fit: "Fit", ground: "On ground", flip: "Flip", quarter: "+90°", interpolate: "Interpolate", keyframe: "Keyframe", split: "Split here",
  merge: "Merge …", trajectory: "Trajectory", fuse: "Fused points", batch: "Tiles", remove: "Delete here", remove_track: "Delete track …",
};

export function ObjectPanel() {
  const editor = useEditor();
  const track = useEditorState(chosenTrack);
  const category = useEditorState((state) => state.category);
  const guideline = classOf(editor.state, track?.category ?? category)?.guideline;
  return (
    <section className="ll-object" aria-label="Chosen object">
      <ClassButtons category={track?.category ?? category} />
      {guideline && <p className="ll-guideline">{guideline}</p>}
      {track ? <Chosen track={track} /> : <p className="ll-hint">Click a cuboid. Ctrl + drag draws one with fit, Shift + drag without, Ctrl + click fits one to the object clicked.</p>}
    </section>
  );
}

function ClassButtons({ category }: { category: string }) {
  const editor = useEditor();
  return (
    <div className="ll-classes" role="radiogroup" aria-label="Class">
      {editor.state.classes.map((label) => (
        <button key={label.name} type="button" role="radio" aria-checked={label.name === category} style={{ borderColor: label.colour }}
          title={label.key ? `Shift + ${label.key}` : undefined} onClick={() => setClass(editor, label.name)}>
          <span className="ll-swatch" style={{ background: label.colour }} />{label.name}
        </button>
      ))}
    </div>
  );
}

function Chosen({ track }: { track: Track }) {
  const editor = useEditor();
  const box = useEditorState(chosenBox);
  const cuboid = useEditorState(chosenCuboid);
  const doubt = useEditorState((state) => state.doubts.get(track.id));
  const { settings } = editor.state;
  const keymap = keymapOf(settings.preset, settings.ownKeys);
  const judge = (command: "accept" | "reject", text: string) => (
    <button type="button" className={`ll-${command}`} onClick={() => ACTIONS[command](editor)} title={keymap[command].join(", ")}>{text}</button>
  );
  return (
    <>
      <h2>Object {track.id < 0 ? "(new)" : track.id} <span className="ll-dim">{track.state} · {track.cuboids.size} frames · {keyframesOf(track).length} keyframes</span></h2>
      {doubt && doubt.reasons.length > 0 && <p className="ll-doubt">{doubt.reasons.join("; ")}</p>}
      <div className="ll-judge">{judge("accept", "✓ Accept track")}{judge("reject", "✕ Reject")}</div>
      {box && <Numbers box={box} />}
      {cuboid && <p className="ll-dim">{cuboid.keyframe ? "keyframe" : cuboid.source}{cuboid.score !== null ? `, score ${cuboid.score.toFixed(2)}` : ""}</p>}
      <label className="ll-check"><input type="checkbox" checked={track.rigid} onChange={(event) => editor.edit({ kind: "describe", track: track.id, rigid: event.target.checked })} /> one size in all frames</label>
      <OthersFollow />
      <Attributes track={track} />
      <div className="ll-buttons">
        {BUTTONS.map((command) => (
          <button key={command} type="button" title={`${COMMANDS[command]} (${keymap[command].join(", ")})`} onClick={() => ACTIONS[command](editor)}>{SHORT[command]}</button>
        ))}
      </div>
      <CopyRange />
    </>
  );
}

function OthersFollow() {
  const editor = useEditor();
  const follow = useEditorState((state) => state.settings.othersFollow);
  return (
    <label className="ll-check" title="After you set a cuboid, the tracker moves those of the track that nobody set; one undo takes all of it back. In the tiles only what you pick is changed">
      <input type="checkbox" checked={follow} onChange={(event) => editor.set({ othersFollow: event.target.checked })} /> other frames follow
    </label>
  );
}

function Numbers({ box }: { box: Box }) {
  return <div className="ll-numbers">{NUMBERS.map((number) => <NumberField key={number.name} {...number} value={box[number.name] * number.scale} />)}</div>;
}

function NumberField(props: { name: keyof Box; unit: string; scale: number; value: number }) {
  const editor = useEditor();
  const [text, setText] = useState<string | null>(null);
  const shown = props.value.toFixed(props.unit === "°" ? 1 : 2);
  useEffect(() => setText(null), [shown]);
  const commit = (): void => {
    if (text !== null && text !== shown) typeNumber(editor, props.name, Number(text.replace(",", ".")) / props.scale);
    setText(null);
  };
  return (
    <label>{props.name}
      <input inputMode="decimal" aria-label={`${props.name} in ${props.unit === "°" ? "degrees" : "metres"}`} value={text ?? shown}
        onChange={(event) => setText(event.target.value)} onBlur={commit} onFocus={(event) => event.target.select()}
        onKeyDown={(event) => event.key === "Enter" && commit()} />
      <span className="ll-dim">{props.unit}</span>
    </label>
  );
}

function Attributes({ track }: { track: Track }) {
  const editor = useEditor();
  const asked = classOf(editor.state, track.category)?.attributes ?? [];
  const set = (name: string, value: unknown) => editor.edit({ kind: "describe", track: track.id, attributes: { ...track.attributes, [name]: value } });
  return (
    <>
      {asked.filter(({ scope }) => scope === "track").map((attribute) => (
        <label key={attribute.name} className="ll-check" title={attribute.guideline}>{attribute.name}
          <AttributeField attribute={attribute} value={track.attributes[attribute.name]} onSet={(value) => set(attribute.name, value)} />
          <span className="ll-dim">{attribute.unit}</span>
        </label>
      ))}
    </>
  );
}

export function AttributeField({ attribute, value, onSet }: { attribute: Attribute; value: unknown; onSet: (value: unknown) => void }) {
  const { type, minimum, maximum } = attribute;
  if (type === "flag" || type === "choice") {
    const values = type === "flag" ? [true, false] : attribute.values;
    return (
      <select value={JSON.stringify(value) ?? ""} onChange={(event) => onSet(event.target.value === "" ? null : JSON.parse(event.target.value))}>
        <option value="">not said</option>
        {values.map((one) => <option key={String(one)} value={JSON.stringify(one)}>{one === true ? "yes" : one === false ? "no" : String(one)}</option>)}
      </select>
    );
  }
  return <input key={String(value)} type={type === "number" ? "number" : "text"} min={minimum ?? undefined} max={maximum ?? undefined} step="any" defaultValue={value === undefined ? "" : String(value)}
    onBlur={({ target }) => target.value !== String(value ?? "") && onSet(target.value === "" ? null : type === "number" ? Number(target.value) : target.value)} />;
}

function CopyRange() {
  const editor = useEditor();
  const frame = useEditorState((state) => state.frame);
  const last = editor.state.recording.frames - 1;
  const [to, setTo] = useState(Math.min(last, frame + 5));
  const run = (): void => {
    const [low, high] = [Math.min(frame, to), Math.max(frame, to)];
    copyTo(editor, Array.from({ length: high - low + 1 }, (_, i) => low + i));
  };
  return (
    <div className="ll-copy">
      <label>copy through frame <input type="number" min={0} max={last} value={to} onChange={(event) => setTo(Number(event.target.value))} /></label>
      <button type="button" onClick={run}>Copy</button>
    </div>
  );
}
