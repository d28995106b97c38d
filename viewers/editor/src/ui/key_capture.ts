/** Waits for the keys that a person presses to give them to a command. */

import { type KeyboardEvent, useState } from "react";
import { chordOf } from "../state/keymap";

interface KeyCapture<C> {
  readonly waiting: C | null;
  readonly wait: (command: C | null) => void;
  readonly press: (event: KeyboardEvent, command: C) => void;
}

/** Escape ends the waiting; only the command that it stands for by itself can be given it. */
export function useKeyCapture<C extends string>(take: (command: C, chord: string) => void): KeyCapture<C> {
  const [waiting, wait] = useState<C | null>(null);

  function press(event: KeyboardEvent, command: C): void {
    const chord = chordOf(event);
    if (waiting !== command || !chord || chord === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    event.nativeEvent.stopImmediatePropagation();
    wait(null);
    if (chord !== "Escape" || command === "cancel") take(command, chord);
  }

  return { waiting, wait, press };
}
