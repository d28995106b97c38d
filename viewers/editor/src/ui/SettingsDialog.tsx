/** Settings: preset of keys, one's own keys, the budget of points. */

import React, { useState } from "react";
import { COMMANDS, type Command, PRESETS, type Preset, conflicts, keymapOf, rebind } from "../state/keymap";
import { Dialog } from "./Dialogs";
import { useKeyCapture } from "./key_capture";
import { useEditor, useEditorState } from "./use_editor";

export function SettingsDialog() {
  const editor = useEditor();
  const settings = useEditorState((state) => state.settings);
  const [taken, setTaken] = useState<string | null>(null);
  const keymap = keymapOf(settings.preset, settings.ownKeys);
  const clashes = conflicts(keymap, editor.state.classes.map(({ key }) => key && `Shift+${key}`));

  const { waiting, wait, press } = useKeyCapture((command: Command, chord) => {
    const { own, taken: by } = rebind(settings.preset, settings.ownKeys, command, chord);
    setTaken(by ? `${chord} already means: ${COMMANDS[by]}` : null);
    if (!by) editor.set({ ownKeys: own });
  });

  return (
    <Dialog title="Settings" wide>
      <p className="ll-fields">
        <label>keys of <select value={settings.preset} onChange={(event) => editor.set({ preset: event.target.value as Preset })}>
          {Object.keys(PRESETS).map((preset) => <option key={preset}>{preset}</option>)}
        </select></label>
        <button type="button" onClick={() => editor.set({ ownKeys: {} })}>Forget my own keys</button>
        <label>points of a frame at most <input type="number" min={10000} step={10000} value={settings.pointBudget}
          onChange={(event) => editor.set({ pointBudget: Math.max(10000, Number(event.target.value)) })} /></label>
        <label>frames kept, MB <input type="number" min={16} step={16} value={settings.frameMemory}
          onChange={(event) => editor.set({ frameMemory: Math.max(16, Number(event.target.value)) })} /></label>
      </p>
      {taken && <p role="alert" className="ll-doubt">{taken}</p>}
      {[...clashes].map(([chord, users]) => <p key={chord} role="alert" className="ll-doubt">{chord} is used twice: {users.join("; ")}</p>)}
      <dl className="ll-keys">
        {(Object.keys(COMMANDS) as Command[]).map((command) => (
          <div key={command}>
            <dt><button type="button" aria-label={`Key for ${COMMANDS[command]}: ${keymap[command].join(", ")}`} onClick={() => wait(command)}
              onKeyDown={(event) => press(event, command)} onBlur={() => wait(null)}>{waiting === command ? "press a key …" : keymap[command].join(", ")}</button></dt>
            <dd>{COMMANDS[command]}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
