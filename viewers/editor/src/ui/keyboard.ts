/** Keys pressed anywhere on the page, unless a field takes them. */

import { ACTIONS } from "../session/commands";
import type { Editor } from "../session/editor";
import { setClass } from "../session/operations";
import { type Command, chordOf, commandFor, keymapOf } from "../state/keymap";

const WRITES = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";
/** Keys by which a focused control is used. */
const CONTROL_KEYS = new Set(["Enter", "Space", "Tab", "Shift+Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);
const CONTROLS = "button, a, input, select, summary, [role=option], [role=slider]";
const IN_DIALOG: ReadonlySet<Command> = new Set(["cancel", "help", "batch", "undo", "redo", "accept"]);

export function listenToKeys(editor: Editor): () => void {
  const press = (event: KeyboardEvent): void => {
    const chord = chordOf(event);
    if (!chord || event.defaultPrevented) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const writing = target.matches(WRITES);
    if (writing && chord !== "Escape") return;
    if (writing && target instanceof HTMLElement) return target.blur();
    if (CONTROL_KEYS.has(chord) && target.matches(CONTROLS)) return;
    const { settings, classes, dialog } = editor.state;
    const command = commandFor(keymapOf(settings.preset, settings.ownKeys), chord);
    if (command && (!dialog || IN_DIALOG.has(command))) {
      event.preventDefault();
      editor.held = event.repeat;
      ACTIONS[command](editor);
      editor.held = false;
      return;
    }
    const label = classes.find(({ key }) => key && chord === `Shift+${key}`) ?? classes.find(({ key }) => key && classChord(event, key));
    if (label && !dialog) {
      event.preventDefault();
      setClass(editor, label.name);
    }
  };
  window.addEventListener("keydown", press);
  return () => window.removeEventListener("keydown", press);
}

/** Class keys are Shift and a digit, wherever the layout puts the digit's other sign. */
function classChord(event: KeyboardEvent, key: string): boolean {
  return event.shiftKey && !event.ctrlKey && !event.altKey && event.code === `Digit${key}`;
}
