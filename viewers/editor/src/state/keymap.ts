/** Keys and what they do: our defaults, the habits of other tools, a person's own; pure. */

export const COMMANDS = {
  next_frame: "Next frame", previous_frame: "Previous frame",
  copy_next: "Copy cuboid to the next frame", copy_previous: "Copy cuboid to the previous frame",
  next_keyframe: "Next keyframe of the track", previous_keyframe: "Previous keyframe of the track",
  play: "Play or pause",
  left: "Move left in the view under the mouse", right: "Move right", up: "Move up", down: "Move down",
  rotate_left: "Rotate left", rotate_right: "Rotate right",
  fit_left: "Rotate left and fit", fit_right: "Rotate right and fit",
  flip: "Flip the heading", quarter: "Next side is the front (+90°)",
  ground: "Set on the ground", fit: "Fit to the points",
  trajectory: "Show the trajectory", batch: "All frames of the object as tiles", fuse: "Fused points around the object",
  merge: "Merge with the object chosen next", split: "Split the track here", interpolate: "Interpolate between keyframes",
  keyframe: "Make this cuboid a keyframe",
  remove: "Delete the cuboid of this frame", remove_track: "Delete the track",
  copy: "Copy cuboid", paste: "Paste cuboid into this frame",
  undo: "Undo", redo: "Redo",
  accept: "Accept the track and go to the next in doubt", reject: "Reject the track and go to the next",
  next_object: "Next object of the list", previous_object: "Previous object of the list",
  top: "View from above or in perspective", focus: "Centre the view on the object",
  hide_ground: "Hide or show the ground", bigger: "Larger points", smaller: "Smaller points", colour: "Next colouring of points",
  measure: "Measuring tape", cancel: "Cancel, or choose nothing", help: "All keys",
} as const;

export type Command = keyof typeof COMMANDS;
export type Keymap = Readonly<Record<Command, readonly string[]>>;

const DEFAULT: Keymap = {
  next_frame: ["ArrowRight"], previous_frame: ["ArrowLeft"],
  copy_next: ["Alt+ArrowRight"], copy_previous: ["Alt+ArrowLeft"],
  next_keyframe: ["]"], previous_keyframe: ["["],
  play: ["Space"],
  left: ["a"], right: ["d"], up: ["w"], down: ["s"],
  rotate_left: ["z"], rotate_right: ["x"], fit_left: ["r"], fit_right: ["f"],
  flip: ["g"], quarter: ["c"], ground: ["h"], fit: ["e"],
  trajectory: ["t"], batch: ["b"], fuse: ["u"], merge: ["m"], split: ["Shift+S"], interpolate: ["i"], keyframe: ["k"],
  remove: ["Delete"], remove_track: ["Shift+Delete"],
  copy: ["Ctrl+c"], paste: ["Ctrl+v"], undo: ["Ctrl+z"], redo: ["Ctrl+Shift+Z", "Ctrl+y"],
  accept: ["Enter"], reject: ["Backspace"],
  next_object: ["ArrowDown"], previous_object: ["ArrowUp"],
  top: ["v"], focus: ["."], hide_ground: ["Shift+G"], bigger: ["="], smaller: ["-"], colour: ["Shift+C"],
  measure: ["l"], cancel: ["Escape"], help: ["?"],
};

// Each key below that the tool itself uses for the same thing was read in its source; the others are ours, moved
// where our usual key would change a cuboid while the tool does something else with it.
// SUSTechPOINTS: naurril/SUSTechPOINTS public/js/editor.js (`keydown`), side_view_op.js (arrows), doc/operations.md.
const SUSTECHPOINTS: Partial<Keymap> = {
  next_frame: ["4", "PageDown"], previous_frame: ["3", "PageUp"], next_object: ["2"], previous_object: ["1"],
  left: ["a", "ArrowLeft"], right: ["d", "ArrowRight"], up: ["w", "ArrowUp"], down: ["s", "ArrowDown"],
  rotate_left: ["q"], rotate_right: ["e"], batch: ["v"], remove: ["Delete", "Ctrl+d"], bigger: ["=", "+"],
  fit: ["Shift+F"], quarter: ["Shift+Q"], top: ["Shift+V"], // ours
};
// CVAT: cvat-ai/cvat cvat-ui/src/reducers/shortcuts-reducer.ts (2023). Its keys move the camera, never a cuboid.
const CVAT: Partial<Keymap> = {
  next_frame: ["f"], previous_frame: ["d"], next_object: ["Tab"], previous_object: ["Shift+Tab"],
  next_keyframe: ["r"], previous_keyframe: ["e"], copy_next: ["Ctrl+b", "Alt+ArrowRight"], split: ["Alt+m"],
  left: ["ArrowLeft"], right: ["ArrowRight"], up: ["ArrowUp"], down: ["ArrowDown"], // ours
  fit: ["Shift+F"], fit_left: ["Shift+E"], fit_right: ["Shift+R"], quarter: ["Shift+Q"], flip: ["Shift+X"], top: ["Shift+V"],
};
// Xtreme1: xtreme1-io/xtreme1 frontend/pc-tool/src/packages/pc-editor/config/hotkey.ts. Its Q and E go sideways, which
// the rear view shows; frames, copies, Z X C, delete, undo and redo are as ours.
const XTREME1: Partial<Keymap> = {
  left: ["a", "q"], right: ["d", "e"], focus: ["y", "."],
  fit: ["Shift+F"], fit_right: ["Shift+R"], flip: ["Shift+X"], ground: ["Shift+D"], redo: ["Ctrl+Shift+Z"], batch: ["Shift+B"], // ours
};

export const PRESETS = {
  default: DEFAULT,
  SUSTechPOINTS: { ...DEFAULT, ...SUSTECHPOINTS },
  CVAT: { ...DEFAULT, ...CVAT },
  Xtreme1: { ...DEFAULT, ...XTREME1 },
} as const satisfies Readonly<Record<string, Keymap>>;

export type Preset = keyof typeof PRESETS;

export type OwnKeys = Partial<Record<Command, readonly string[]>>;

export function keymapOf(preset: Preset, own: OwnKeys): Keymap {
  return { ...PRESETS[preset], ...own };
}

interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

const SHIFTED_BY_LAYOUT = /^[^A-Za-z0-9]$/;

/** The name of a key with its modifiers, as the keymap writes it; null for a modifier alone. */
export function chordOf(event: Pressed): string | null {
  if (["Control", "Shift", "Alt", "Meta"].includes(event.key)) return null;
  const key = event.key === " " ? "Space" : event.key;
  const shift = event.shiftKey && !SHIFTED_BY_LAYOUT.test(key);
  const name = key.length === 1 && /[a-z]/i.test(key) ? (shift ? key.toUpperCase() : key.toLowerCase()) : key;
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${name}`;
}

export function commandFor(keymap: Keymap, chord: string): Command | null {
  const found = (Object.keys(keymap) as Command[]).find((command) => keymap[command].includes(chord));
  return found ?? null;
}

/** Chords that more than one command, or a command and a class, would answer. */
export function conflicts(keymap: Keymap, classKeys: readonly string[] = []): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  const add = (chord: string, user: string) => users.set(chord, [...(users.get(chord) ?? []), user]);
  for (const command of Object.keys(keymap) as Command[])
    keymap[command].forEach((chord) => add(chord, COMMANDS[command]));
  classKeys.forEach((key) => key && add(key, `class key ${key}`));
  return new Map([...users].filter(([, names]) => names.length > 1));
}

/** The command's new chord, unless another command has it. */
export function rebind(preset: Preset, own: OwnKeys, command: Command, chord: string): { readonly own: OwnKeys; readonly taken: Command | null } {
  const taken = commandFor(keymapOf(preset, own), chord);
  if (taken && taken !== command) return { own, taken };
  return { own: { ...own, [command]: [chord] }, taken: null };
}
