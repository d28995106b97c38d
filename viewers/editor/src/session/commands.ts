/** What each command of the keymap does. */

import { COLOUR_MODES } from "../points/colours";
import type { Command } from "../state/keymap";
import type { Editor } from "./editor";
import * as operate from "./operations";
import { chosenBox } from "./state";

type Action = (editor: Editor) => void;

const nudge = (right: number, up: number): Action => (editor) => operate.nudgeIn(editor, editor.state.hovered, [right, up]);
const resizePoints = (factor: number): Action => (editor) =>
  editor.set({ pointSize: Math.min(8, Math.max(0.5, editor.state.settings.pointSize * factor)) });

export const ACTIONS: Readonly<Record<Command, Action>> = {
  next_frame: (editor) => void editor.goTo(editor.state.frame + 1),
  previous_frame: (editor) => void editor.goTo(editor.state.frame - 1),
  copy_next: (editor) => operate.copyAlong(editor, 1),
  copy_previous: (editor) => operate.copyAlong(editor, -1),
  next_keyframe: (editor) => operate.goToKeyframe(editor, 1),
  previous_keyframe: (editor) => operate.goToKeyframe(editor, -1),
  play: (editor) => editor.play(!editor.state.playing),
  left: nudge(-1, 0),
  right: nudge(1, 0),
  up: nudge(0, 1),
  down: nudge(0, -1),
  rotate_left: (editor) => operate.turn(editor, operate.TURN_RAD),
  rotate_right: (editor) => operate.turn(editor, -operate.TURN_RAD),
  fit_left: (editor) => operate.turnAndFit(editor, operate.TURN_RAD),
  fit_right: (editor) => operate.turnAndFit(editor, -operate.TURN_RAD),
  flip: operate.flipHeading,
  quarter: operate.quarterTurn,
  ground: operate.ontoGround,
  fit: (editor) => void operate.fitChosen(editor),
  trajectory: (editor) => editor.update({ trajectory: !editor.state.trajectory }),
  batch: (editor) => editor.update({ dialog: editor.state.dialog === "batch" ? null : editor.state.chosen === null ? null : "batch" }),
  fuse: (editor) => void operate.showFused(editor),
  merge: startMerge,
  split: operate.splitHere,
  interpolate: operate.interpolateKeyframes,
  keyframe: operate.makeKeyframe,
  remove: operate.removeHere,
  remove_track: (editor) => void operate.askToDelete(editor),
  copy: operate.copy,
  paste: operate.paste,
  undo: (editor) => void editor.undo("undo"),
  redo: (editor) => void editor.undo("redo"),
  accept: (editor) => operate.judge(editor, "accepted"),
  reject: (editor) => operate.judge(editor, "rejected"),
  next_object: (editor) => editor.step(1),
  previous_object: (editor) => editor.step(-1),
  top: (editor) => editor.update({ orbit: { ...editor.state.orbit, fromAbove: !editor.state.orbit.fromAbove } }),
  focus: focusOnChosen,
  hide_ground: (editor) => editor.set({ hideGround: !editor.state.settings.hideGround }),
  bigger: resizePoints(1.25),
  smaller: resizePoints(0.8),
  colour: (editor) => editor.set({ colourBy: COLOUR_MODES[(COLOUR_MODES.indexOf(editor.state.settings.colourBy) + 1) % COLOUR_MODES.length] }),
  measure: (editor) => editor.update({ tape: editor.state.tape ? null : [], notice: editor.state.tape ? null : "click points to measure; Escape puts the tape away" }),
  cancel: cancel,
  help: (editor) => editor.update({ dialog: editor.state.dialog === "help" ? null : "help" }),
};

function startMerge(editor: Editor): void {
  const { chosen } = editor.state;
  if (chosen === null) return editor.notify("choose an object first");
  editor.update({ mergeFrom: chosen, notice: `choose the object that is the same as ${chosen}; Escape to leave it` });
}

function focusOnChosen(editor: Editor): void {
  const box = chosenBox(editor.state);
  if (!box) return;
  const { orbit } = editor.state;
  editor.update({ orbit: { ...orbit, target: [box.x, box.y, box.z], distance: Math.min(orbit.distance, 18) } });
}

/** The innermost thing that is open closes first. */
function cancel(editor: Editor): void {
  const { dialog, mergeFrom, tape, draft, uncovered } = editor.state;
  if (dialog) editor.update({ dialog: null });
  else if (mergeFrom !== null) editor.update({ mergeFrom: null, notice: null });
  else if (draft) editor.update({ draft: null });
  else if (tape) editor.update({ tape: null, notice: null });
  else if (uncovered) editor.update({ uncovered: null });
  else editor.choose(null);
}
