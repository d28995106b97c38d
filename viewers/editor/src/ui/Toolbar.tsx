/** The bar above the views: what is drawn, how points are coloured, and whether every edit is safe. */

import React from "react";
import { COLOUR_MODES, type ColourMode } from "../points/colours";
import { ACTIONS } from "../session/commands";
import { COMMANDS, type Command, keymapOf } from "../state/keymap";
import { type SyncStatus, statusOf } from "../state/sync";
import { useEditor, useEditorState } from "./use_editor";

export function Toolbar({ home }: { home: string }) {
  const editor = useEditor();
  const settings = useEditorState((state) => state.settings);
  const fromAbove = useEditorState((state) => state.orbit.fromAbove);
  const tape = useEditorState((state) => state.tape !== null);
  const { recording } = editor.state;
  return (
    <header className="ll-toolbar" role="toolbar" aria-label="View and tools">
      <a href={home} className="ll-home">Lidar Label</a>
      <strong className="ll-recording">{recording.name}</strong>
      <ToSignals />
      <label>colour <select value={settings.colourBy} aria-label="Colour of points" onChange={(event) => editor.set({ colourBy: event.target.value as ColourMode })}>
        {COLOUR_MODES.map((mode) => <option key={mode}>{mode}</option>)}
      </select></label>
      <label>size <input type="range" min={0.5} max={6} step={0.1} value={settings.pointSize} aria-label="Size of points" onChange={(event) => editor.set({ pointSize: Number(event.target.value) })} /></label>
      <label><input type="checkbox" checked={settings.hideGround} onChange={(event) => editor.set({ hideGround: event.target.checked })} /> hide ground</label>
      <Sensors />
      <Tool command="top" pressed={fromAbove} text="From above" />
      <Tool command="measure" pressed={tape} text="Measure" />
      <Tool command="undo" text="Undo" />
      <Tool command="redo" text="Redo" />
      <span className="ll-space" />
      <SaveState />
      <button type="button" onClick={() => editor.set({ theme: settings.theme === "dark" ? "light" : "dark" })} aria-label="Dark or light">◐</button>
      <button type="button" onClick={() => editor.update({ dialog: "settings" })} aria-label="Settings and keys">⚙</button>
      <Tool command="help" text="?" />
    </header>
  );
}

/** To the same moment on the signals page, where the recording has signals. */
function ToSignals() {
  const { recording } = useEditor().state, frame = useEditorState((state) => state.frame);
  if (!recording.sensors.some(({ kind }) => kind === "imu")) return null;
  return <a className="ll-dim" href={`${window.location.pathname.replace(/edit$/, "signals")}?frame=${frame}`}>signals</a>;
}

function Tool({ command, text, pressed }: { command: Command; text: string; pressed?: boolean }) {
  const editor = useEditor();
  const { preset, ownKeys } = editor.state.settings;
  return (
    <button type="button" aria-pressed={pressed} title={`${COMMANDS[command]} (${keymapOf(preset, ownKeys)[command].join(", ")})`}
      aria-label={COMMANDS[command]} onClick={() => ACTIONS[command](editor)}>{text}</button>
  );
}

function Sensors() {
  const editor = useEditor();
  const hidden = useEditorState((state) => state.settings.hiddenSensors);
  const sensors = editor.state.recording.sensors.filter(({ kind }) => kind === "lidar" || kind === "radar");
  if (sensors.length < 2) return null;
  const toggle = (name: string) => editor.set({ hiddenSensors: hidden.includes(name) ? hidden.filter((one) => one !== name) : [...hidden, name] });
  return (
    <details className="ll-sensors">
      <summary>sensors</summary>
      <div>{sensors.map(({ name, kind }) => (
        <label key={name}><input type="checkbox" checked={!hidden.includes(name)} onChange={() => toggle(name)} /> {name} <span className="ll-dim">{kind}</span></label>
      ))}</div>
    </details>
  );
}

const WORDS: Readonly<Record<SyncStatus, string>> = {
  saved: "all edits saved", pending: "saving …", offline: "offline: edits are kept here", conflict: "conflict",
};

function SaveState() {
  const sync = useEditorState((state) => state.sync);
  const status = statusOf(sync);
  return <span className={`ll-save ll-save-${status}`} role="status" data-status={status}>{WORDS[status]}{sync.queue.length > 1 ? ` (${sync.queue.length})` : ""}</span>;
}
