/** Keys of the signals page; those of classes are the ontology's (digits and the upper rows), so commands keep clear of them. */

import { chordOf } from "../state/keymap";
import type { LabelClass } from "../api/ontology_json";

export const COMMANDS = {
  left: "Earlier", right: "Later", closer: "Zoom in about the cursor", farther: "Zoom out", whole: "The whole signal", focus: "The chosen window",
  previous_change: "Cursor to the previous change", next_change: "Cursor to the next change",
  create: "Window between the changes about the cursor",
  start_earlier: "Start to the previous change", start_later: "Start to the next change",
  end_earlier: "End to the previous change", end_later: "End to the next change",
  event: "Event at the cursor",
  split: "Split at the cursor", merge: "Merge with the next window", remove: "Delete the window",
  accept: "Accept, and go to the next proposal", reject: "Reject, and go to the next", accept_sure: "Accept all that are sure enough",
  next_window: "Next window", previous_window: "Previous window",
  suggest: "Tag this next", similar: "Find more like this", propose: "Learn from the tags and propose",
  play: "Play or stop",
  derived: "Magnitudes and tilt", spectrum: "Frequencies of the next channel",
  apart: "Channels apart or over each other", undo: "Undo", redo: "Redo", cancel: "Cancel, or choose nothing", help: "All keys",
} as const;

export type Command = keyof typeof COMMANDS;

export const KEYS: Readonly<Record<Command, readonly string[]>> = {
  left: ["ArrowLeft"], right: ["ArrowRight"], closer: ["+", "="], farther: ["-"], whole: ["v"], focus: ["."],
  previous_change: ["Ctrl+ArrowLeft", "h"], next_change: ["Ctrl+ArrowRight", "j"],
  create: ["c", "Insert"], event: ["b"],
  start_earlier: ["Alt+ArrowLeft"], start_later: ["Alt+ArrowRight"], end_earlier: ["Shift+ArrowLeft"], end_later: ["Shift+ArrowRight"],
  split: ["s"], merge: ["m"], remove: ["Delete"],
  accept: ["Enter"], reject: ["Backspace"], accept_sure: ["Shift+Enter"],
  next_window: ["ArrowDown"], previous_window: ["ArrowUp"],
  suggest: ["n"], similar: ["f"], propose: ["g"],
  play: ["Space"], apart: ["x"], derived: ["d"], spectrum: ["k"], undo: ["Ctrl+z"], redo: ["Ctrl+Shift+Z", "Ctrl+y"], cancel: ["Escape"], help: ["?"],
};

export type OwnKeys = Partial<Record<Command, readonly string[]>>;

export const keysOf = (own: OwnKeys): Readonly<Record<Command, readonly string[]>> => ({ ...KEYS, ...own });

/** The command's new key, unless another command or a class has it. */
export function rebind(own: OwnKeys, command: Command, chord: string, classes: readonly LabelClass[]): { readonly own: OwnKeys; readonly taken: string | null } {
  const keys = keysOf(own), other = (Object.keys(keys) as Command[]).find((one) => one !== command && keys[one].includes(chord));
  const label = classes.find(({ key }) => key && key === chord);
  const taken = other ? COMMANDS[other] : label ? `class ${label.name}` : null;
  return { own: taken ? own : { ...own, [command]: [chord] }, taken };
}

const STORED = "lidar-label.signals.keys";

export function loadKeys(storage: Storage): OwnKeys {
  try {
    const kept = JSON.parse(storage.getItem(STORED) ?? "{}") as Record<string, unknown>;
    const sound = Object.entries(kept).filter(([name, keys]) => name in COMMANDS && Array.isArray(keys) && keys.every((key) => typeof key === "string"));
    return Object.fromEntries(sound) as OwnKeys;
  } catch {
    return {};
  }
}

export const saveKeys = (storage: Storage, own: OwnKeys): void => storage.setItem(STORED, JSON.stringify(own));

type Pressed = Parameters<typeof chordOf>[0] & { readonly code: string };

/** A command, or the name of a class, or nothing; a command comes before a class with the same key. */
export function meaningOf(event: Pressed, classes: readonly LabelClass[], own: OwnKeys = {}): { readonly command: Command } | { readonly category: string } | null {
  const chord = chordOf(event);
  if (!chord) return null;
  const keys = keysOf(own), command = (Object.keys(keys) as Command[]).find((one) => keys[one].includes(chord));
  if (command) return { command };
  const label = classes.find(({ key }) => key && (chord === key || chord === `Shift+${key.toUpperCase()}` || (event.shiftKey && event.code === `Digit${key}`)));
  return label ? { category: label.name } : null;
}
