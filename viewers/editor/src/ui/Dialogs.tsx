/** What opens over the views: keys, settings, a track's deletion, a conflict. */

import React, { useEffect, useRef } from "react";
import { chosenTrack } from "../session/state";
import { deleteTrack } from "../session/operations";
import { COMMANDS, type Command, keymapOf } from "../state/keymap";
import { framesOf } from "../state/labels";
import { BatchDialog } from "./BatchDialog";
import { SettingsDialog } from "./SettingsDialog";
import { useEditor, useEditorState } from "./use_editor";

export function Dialogs() {
  const dialog = useEditorState((state) => state.dialog);
  const conflict = useEditorState((state) => state.sync.conflict);
  if (conflict) return <ConflictDialog />;
  if (dialog === "help") return <HelpDialog />;
  if (dialog === "settings") return <SettingsDialog />;
  if (dialog === "delete") return <DeleteDialog />;
  return dialog === "batch" ? <BatchDialog /> : null;
}

/** A dialog that takes the focus and gives it back. */
export function Dialog({ title, children, wide, onClose }: { title: string; children: React.ReactNode; wide?: boolean; onClose?: () => void }) {
  const editor = useEditor();
  const box = useRef<HTMLDivElement>(null);
  const close = onClose ?? (() => editor.update({ dialog: null }));
  useEffect(() => {
    const before = document.activeElement;
    box.current?.focus();
    return () => (before instanceof HTMLElement ? before.focus() : undefined);
  }, []);
  return (
    <div className="ll-veil" onClick={(event) => event.target === event.currentTarget && close()}>
      <div ref={box} role="dialog" aria-modal="true" aria-label={title} tabIndex={-1} className={wide ? "ll-dialog ll-wide" : "ll-dialog"}>
        <header><h2>{title}</h2><button type="button" onClick={close} aria-label="Close">✕</button></header>
        {children}
      </div>
    </div>
  );
}

const MOUSE: readonly (readonly [string, string])[] = [
  ["drag", "orbit"], ["right drag", "pan"], ["wheel", "zoom"], ["double click", "focus"], ["click", "choose"],
  ["Ctrl + drag", "draw a cuboid with fit"], ["Shift + drag", "draw without fit"], ["Ctrl + click", "fit a cuboid to the object"],
  ["drag edge, corner, middle, heading", "change the cuboid in a close view"], ["double click edge or corner", "snap those faces to the points"],
  ["Shift + digit", "class"],
];

function HelpDialog() {
  const { preset, ownKeys } = useEditor().state.settings;
  const keymap = keymapOf(preset, ownKeys);
  return (
    <Dialog title={`Keys (${preset})`} wide>
      <dl className="ll-keys">
        {MOUSE.map(([what, does]) => <div key={what}><dt>{what}</dt><dd>{does}</dd></div>)}
        {(Object.keys(COMMANDS) as Command[]).map((command) => (
          <div key={command}><dt>{keymap[command].map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{COMMANDS[command]}</dd></div>
        ))}
      </dl>
    </Dialog>
  );
}

function DeleteDialog() {
  const editor = useEditor();
  const track = useEditorState(chosenTrack);
  const preview = useEditorState((state) => state.deletePreview);
  if (!track) return null;
  const frames = framesOf(track);
  return (
    <Dialog title={`Delete object ${track.id}?`}>
      <p>{track.category}: {frames.length} cuboids in frames {frames[0]} to {frames[frames.length - 1]} go. Undo brings them back.</p>
      {preview && <p className="ll-dim">{Object.entries(preview).filter(([, value]) => typeof value !== "object").map(([name, value]) => `${name.replace(/_/g, " ")}: ${String(value)}`).join(" · ")}</p>}
      <div className="ll-buttons">
        <button type="button" className="ll-reject" onClick={() => deleteTrack(editor)}>Delete the track</button>
        <button type="button" onClick={() => editor.update({ dialog: null })}>Keep it</button>
      </div>
    </Dialog>
  );
}

function ConflictDialog() {
  const editor = useEditor();
  const conflict = useEditorState((state) => state.sync.conflict);
  if (!conflict) return null;
  const tracks = [...new Set(conflict.pending.map(({ edit }) => edit.track))];
  return (
    <Dialog title="Someone else changed the same object" onClose={() => editor.resolveConflict("theirs")}>
      <p>Object {tracks.join(", ")} was changed after you opened it; {conflict.pending.length} of your edits wait. The views show the newer state.</p>
      <div className="ll-buttons">
        <button type="button" onClick={() => editor.resolveConflict("theirs")}>Take theirs</button>
        <button type="button" onClick={() => editor.resolveConflict("mine")}>Apply mine on top</button>
      </div>
    </Dialog>
  );
}
