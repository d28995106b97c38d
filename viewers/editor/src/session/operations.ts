/** What a person can do to the chosen object; each is one edit. */

import { type Box, type Vec3, SIZE_KEYS, flip, isValid, makeBox, rotate, setOnGround, turnFront } from "../geometry/box";
import { type PlaneName, type Point2, nudge } from "../geometry/plane_view";
import { groundUnder, heightRange, shrink } from "../geometry/snapping";
import { Unreachable } from "../api/client";
import { keyframesOf } from "../state/labels";
import { closePoints } from "./detail";
import type { Editor } from "./editor";
import { chosenBox, chosenCuboid, chosenTrack, classOf } from "./state";

export const STEP_M = 0.05;
export const TURN_RAD = Math.PI / 90;

function change(editor: Editor, make: (box: Box) => Box | null): void {
  const box = chosenBox(editor.state);
  if (!box) return;
  const made = make(box);
  if (made && isValid(made)) editor.setBox(made);
}

export function nudgeIn(editor: Editor, plane: PlaneName, by: Point2): void {
  change(editor, (box) => nudge(plane, box, [by[0] * STEP_M, by[1] * STEP_M]));
}

export function turn(editor: Editor, angle: number): void {
  change(editor, (box) => rotate(box, angle));
}

export const flipHeading = (editor: Editor): void => change(editor, flip);
export const quarterTurn = (editor: Editor): void => change(editor, turnFront);

export function ontoGround(editor: Editor): void {
  const cloud = closePoints(editor.state);
  change(editor, (box) => {
    const ground = cloud && groundUnder(box, cloud);
    if (ground === null) editor.notify("no points near the cuboid from which to tell the ground");
    return ground === null ? null : setOnGround(box, ground);
  });
}

/** Rotate, and shrink to the points at once, in the browser. */
export function turnAndFit(editor: Editor, angle: number): void {
  const cloud = closePoints(editor.state);
  change(editor, (box) => (cloud ? shrink(rotate(box, angle), cloud) : rotate(box, angle)));
}

/** The server's fit to the points in and around the chosen cuboid. */
export async function fitChosen(editor: Editor): Promise<void> {
  const { frame, chosen } = editor.state;
  const box = chosenBox(editor.state), track = chosenTrack(editor.state);
  if (!box || !track) return;
  try {
    const fit = await editor.client.fit(frame, { box: grown(box, 0.3) }, track.category);
    if (editor.state.frame === frame && editor.state.chosen === chosen) editor.setBox(fit.box);
    editor.notify(fit.reason);
  } catch (error) {
    if (error instanceof Unreachable && editor.state.cloud) editor.setBox(shrink(box, editor.state.cloud));
    else editor.report(error, "no fit");
  }
}

function grown(box: Box, by: number): Box {
  return { ...box, length: box.length + by, width: box.width + by, height: box.height + by };
}

/** A new track with one cuboid. */
export function create(editor: Editor, box: Box, category: string): void {
  const track = editor.newId();
  editor.edit({ kind: "create", track, frame: editor.state.frame, box, category });
  editor.choose(track);
}

/** A rectangle drawn on the ground: with `fit`, what the server finds in it; else upright over it. */
export async function draw(editor: Editor, corner: Vec3, opposite: Vec3, heading: number, fit: boolean): Promise<void> {
  const { cloud, frame, category } = editor.state;
  const [cos, sin] = [Math.cos(heading), Math.sin(heading)];
  const [dx, dy] = [opposite[0] - corner[0], opposite[1] - corner[1]];
  const length = Math.max(0.3, Math.abs(dx * cos + dy * sin)), width = Math.max(0.3, Math.abs(dy * cos - dx * sin));
  const flat = makeBox([(corner[0] + opposite[0]) / 2, (corner[1] + opposite[1]) / 2, corner[2]], [length, width, 4], heading);
  const drawn = uprightOver(flat, cloud ? heightRange(flat, cloud) : null, classOf(editor.state, category)?.size?.[2] ?? 1.6);
  if (!fit) return create(editor, drawn, category);
  try {
    const found = await editor.client.fit(frame, { box: grown(drawn, 0.2) });
    if (editor.state.frame === frame) create(editor, found.box, found.category || category);
    editor.notify(found.reason);
  } catch (error) {
    create(editor, cloud ? shrink(drawn, cloud) : drawn, category);
    editor.report(error, "the cuboid is as drawn");
  }
}

function uprightOver(flat: Box, range: readonly [number, number] | null, height: number): Box {
  const [low, high] = range ?? [flat.z, flat.z + height];
  const bottom = Math.min(flat.z, low);
  return { ...flat, z: (bottom + high) / 2, height: Math.max(0.3, high - bottom) };
}

/** One click on an object's points. */
export async function fitAt(editor: Editor, click: Vec3): Promise<void> {
  const { frame, category } = editor.state;
  try {
    const found = await editor.client.fit(frame, { click });
    if (editor.state.frame === frame) create(editor, found.box, found.category || category);
    editor.notify(found.reason);
  } catch (error) {
    editor.report(error, "no object found there");
  }
}

/** Copy the chosen cuboid to the next or previous frame, where it is if it stands still, and follow it there. */
export function copyAlong(editor: Editor, by: 1 | -1): void {
  const { frame, recording, chosen, poses } = editor.state;
  const box = chosenBox(editor.state), to = frame + by;
  if (!box || chosen === null || to < 0 || to >= recording.frames) return;
  editor.setCuboids(chosen, [{ frame: to, box: poses.carry(box, frame, to) }]);
  void editor.goTo(to);
}

/** Copy the chosen cuboid into several frames, standing still in the world. */
export function copyTo(editor: Editor, frames: readonly number[]): void {
  const { frame, chosen, poses } = editor.state;
  const box = chosenBox(editor.state);
  if (!box || chosen === null || !frames.length) return;
  const cuboids = frames.filter((to) => to !== frame).map((to) => ({ frame: to, box: poses.carry(box, frame, to) }));
  editor.setCuboids(chosen, cuboids);
}

export function copy(editor: Editor): void {
  const box = chosenBox(editor.state);
  if (box) editor.update({ clipboard: box, notice: "copied" });
}

/** Into this frame: of the chosen track if it has none here, else as a new track. */
export function paste(editor: Editor): void {
  const { clipboard, category } = editor.state;
  if (!clipboard) return editor.notify("nothing copied");
  if (chosenTrack(editor.state) && !chosenCuboid(editor.state)) editor.setBox(clipboard);
  else create(editor, clipboard, category);
}

/** Through the keyframes: by the tracker, or on straight lines where the others do not follow. */
export function interpolateKeyframes(editor: Editor): void {
  const track = chosenTrack(editor.state);
  if (!track) return;
  const keys = keyframesOf(track), solve = editor.state.settings.othersFollow, least = solve ? 1 : 2;
  if (keys.length < least) return editor.notify(`interpolating needs ${least === 1 ? "a keyframe; move the cuboid" : "two keyframes; move the cuboid in two frames"}, or press the key for keyframes`);
  editor.edit({ kind: "interpolate", track: track.id, from: keys[0], to: keys[keys.length - 1], solve });
}

export function goToKeyframe(editor: Editor, by: 1 | -1): void {
  const track = chosenTrack(editor.state), { frame } = editor.state;
  const keys = track ? keyframesOf(track).filter((key) => (key - frame) * by > 0) : [];
  if (keys.length) void editor.goTo(by > 0 ? keys[0] : keys[keys.length - 1]);
}

export function makeKeyframe(editor: Editor): void {
  change(editor, (box) => box);
}

export function splitHere(editor: Editor): void {
  const { chosen, frame } = editor.state;
  if (chosen !== null) editor.edit({ kind: "split", track: chosen, frame, into: editor.newId() });
}

export function removeHere(editor: Editor): void {
  const { chosen, frame } = editor.state;
  const track = chosenTrack(editor.state);
  if (chosen === null || !track?.cuboids.has(frame)) return;
  if (track.cuboids.size === 1) editor.edit({ kind: "delete", track: chosen });
  else editor.edit({ kind: "remove", track: chosen, frames: [frame] });
}

/** Ask before a whole track goes, showing what would be lost. */
export async function askToDelete(editor: Editor): Promise<void> {
  const { chosen } = editor.state;
  if (chosen === null) return;
  editor.update({ dialog: "delete", deletePreview: null });
  if (chosen < 0) return;
  try {
    editor.update({ deletePreview: await editor.client.deletePreview(chosen) });
  } catch (error) {
    editor.report(error, "no preview");
  }
}

export function deleteTrack(editor: Editor): void {
  const { chosen } = editor.state;
  editor.update({ dialog: null });
  if (chosen !== null) editor.edit({ kind: "delete", track: chosen });
}

/** Judge the chosen track and go to the next that nobody has judged. */
export function judge(editor: Editor, state: "accepted" | "rejected"): void {
  const { chosen } = editor.state;
  if (chosen === null) return editor.step(1);
  editor.step(1);
  editor.edit({ kind: "judge", track: chosen, state });
}

export function setClass(editor: Editor, category: string): void {
  const { chosen } = editor.state;
  editor.update({ category });
  if (chosen !== null) editor.edit({ kind: "describe", track: chosen, category });
}

/** Typed numbers; what is no box is refused with its field's name. */
export function typeNumber(editor: Editor, key: keyof Box, value: number): void {
  const box = chosenBox(editor.state);
  if (!box) return;
  const typed = { ...box, [key]: value };
  if (isValid(typed)) editor.setBox(typed);
  else editor.notify(`${key} ${value}: give a finite number${SIZE_KEYS.some((k) => k === key) ? " above 0.05 m" : ""}`);
}

export async function showFused(editor: Editor): Promise<void> {
  const { chosen, frame, fused } = editor.state;
  if (fused || chosen === null || chosen < 0) return editor.update({ fused: null });
  try {
    editor.update({ fused: await editor.client.fusedCloud(chosen, frame) });
  } catch (error) {
    editor.report(error, "no fused points");
  }
}

export async function findUncovered(editor: Editor): Promise<void> {
  const { frame } = editor.state;
  try {
    const uncovered = await editor.client.uncovered(frame);
    if (editor.state.frame === frame) editor.update({ uncovered });
  } catch (error) {
    editor.report(error, "clusters cannot be listed");
  }
}
