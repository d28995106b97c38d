/** All keys, and other ones for those who want them. */

import React, { useState } from "react";
import { useKeyCapture } from "../ui/key_capture";
import { COMMANDS, type Command, keysOf, rebind } from "./keymap";
import type { SignalsSession } from "./session";

export function KeysDialog({ session }: { session: SignalsSession }) {
  const [taken, setTaken] = useState<string | null>(null);
  const keys = keysOf(session.state.keys);

  const { waiting, wait, press } = useKeyCapture((command: Command, chord) => {
    const { own, taken: by } = rebind(session.state.keys, command, chord, session.state.classes);
    setTaken(by && `${chord} already means: ${by}`);
    if (!by) session.bind(own);
  });

  return (
    <div className="ll-veil" onClick={() => session.update({ help: false })}>
      <section className="ll-dialog ll-wide" role="dialog" aria-label="Keys" onClick={(event) => event.stopPropagation()}>
        <header><h2>Keys</h2> <button type="button" onClick={() => session.bind({})}>forget my own keys</button> <button type="button" onClick={() => session.update({ help: false })}>close</button></header>
        {taken && <p role="alert" className="ll-doubt">{taken}</p>}
        <dl className="ll-keys">{(Object.keys(COMMANDS) as Command[]).map((command) => (
          <div key={command}>
            <dt><button type="button" aria-label={`Key for ${COMMANDS[command]}: ${keys[command].join(", ")}`} onClick={() => wait(command)}
              onKeyDown={(event) => press(event, command)} onBlur={() => wait(null)}>{waiting === command ? "press a key …" : keys[command].join(", ")}</button></dt>
            <dd>{COMMANDS[command]}</dd>
          </div>
        ))}</dl>
        <p className="ll-dim">Drag over the channels to make a window, drag an end to move it (Alt: do not catch on changes). Wheel zooms, Shift and wheel or a drag of the ruler moves.
          Drag a film or sound to move it on the signal's clock; with Shift its beginning stays and its clock drifts. Class keys tag.</p>
      </section>
    </div>
  );
}
