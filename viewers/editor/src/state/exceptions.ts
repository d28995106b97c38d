/** What speaks against a track, from its own cuboids and its neighbours': where a person should look first; pure. */

import { contains, sizeOf, wrapAngle } from "../geometry/box";
import { type Poses, moveBox } from "../geometry/transform";
import { type Cuboid, type Doubt, type Labels, type Track, framesOf } from "./labels";

export interface Exceptions extends Doubt {
  /** Where the worst is. */
  readonly frame: number;
}

/** How much each finding weighs, as the chance that a person must act; set by hand from what they mean. */
const WEIGHTS = { flip: 0.7, jump: 0.6, size: 0.4, overlap: 0.6, gap: 0.3, points: 0.35, short: 0.3 } as const;
const FASTEST_M_PER_FRAME = 6; // 60 m/s at 10 Hz
const SIZE_CHANGE = 0.2;
const FEW_POINTS = 5;
const SHORT_FRAMES = 3;

interface Finding {
  readonly weight: number;
  readonly text: string;
  readonly frame: number;
}

export function exceptionsOf(labels: Labels, poses: Poses): ReadonlyMap<number, Exceptions> {
  const overlaps = overlapsOf(labels);
  return new Map([...labels.values()].map((track) => [track.id, judged(track, [...ownFindings(track, poses), ...(overlaps.get(track.id) ?? [])])]));
}

/** The former findings as the same object where the new ones say the same. */
export function sameDoubts(before: ReadonlyMap<number, Exceptions>, now: ReadonlyMap<number, Exceptions>): ReadonlyMap<number, Exceptions> {
  const same = (a: Exceptions | undefined, b: Exceptions) =>
    a?.score === b.score && a.frame === b.frame && a.reasons.join() === b.reasons.join();
  return before.size === now.size && [...now].every(([id, one]) => same(before.get(id), one)) ? before : now;
}

const known = new WeakMap<Track, readonly Finding[]>();

function ownFindings(track: Track, poses: Poses): readonly Finding[] {
  const found = known.get(track) ?? [...betweenFrames(track, poses), ...withinFrames(track)];
  known.set(track, found);
  return found;
}

function betweenFrames(track: Track, poses: Poses): Finding[] {
  const frames = framesOf(track), found: Finding[] = [];
  frames.slice(1).forEach((frame, i) => {
    const before = frames[i], steps = frame - before;
    const [a, b] = [track.cuboids.get(before) as Cuboid, track.cuboids.get(frame) as Cuboid];
    const [from, to] = [moveBox(poses.at(before), a), moveBox(poses.at(frame), b)];
    if (Math.abs(wrapAngle(to.yaw - from.yaw)) > Math.PI / 2) found.push({ weight: WEIGHTS.flip, text: "heading flips", frame });
    if (Math.hypot(to.x - from.x, to.y - from.y) > FASTEST_M_PER_FRAME * steps) found.push({ weight: WEIGHTS.jump, text: "jumps", frame });
    if (steps > 1) found.push({ weight: WEIGHTS.gap, text: `gap of ${steps - 1} frames`, frame });
    if (sizeOf(a).some((side, axis) => Math.abs(sizeOf(b)[axis] / side - 1) > SIZE_CHANGE)) found.push({ weight: WEIGHTS.size, text: "size jumps", frame });
  });
  return found;
}

function withinFrames(track: Track): Finding[] {
  const found: Finding[] = [];
  for (const [frame, { points, keyframe }] of track.cuboids)
    if (points >= 0 && points < FEW_POINTS && !keyframe) found.push({ weight: WEIGHTS.points, text: "few points", frame });
  if (track.cuboids.size < SHORT_FRAMES) found.push({ weight: WEIGHTS.short, text: "seen briefly", frame: framesOf(track)[0] ?? 0 });
  return found;
}

/** Pairs of cuboids of a frame of which one holds the other's middle. */
function overlapsOf(labels: Labels): Map<number, Finding[]> {
  const frames = new Map<number, { track: Track; box: Cuboid }[]>(), found = new Map<number, Finding[]>();
  for (const track of labels.values())
    if (track.state !== "rejected") for (const [frame, box] of track.cuboids) frames.set(frame, [...(frames.get(frame) ?? []), { track, box }]);
  const add = (id: number, other: number, frame: number) =>
    found.set(id, [...(found.get(id) ?? []), { weight: WEIGHTS.overlap, text: `overlaps object ${other}`, frame }]);
  for (const [frame, boxes] of frames)
    boxes.forEach(({ track, box }, i) => {
      for (const { track: other, box: near } of boxes.slice(i + 1)) {
        if (Math.abs(box.x - near.x) > 12 || Math.abs(box.y - near.y) > 12) continue;
        if (!contains(box, [near.x, near.y, near.z]) && !contains(near, [box.x, box.y, box.z])) continue;
        add(track.id, other.id, frame);
        add(other.id, track.id, frame);
      }
    });
  return found;
}

/** One minus the chance that nothing is wrong; each kind of finding counts once, the machine's own score as well. */
function judged(track: Track, findings: readonly Finding[]): Exceptions {
  const kinds = new Map<string, Finding>();
  for (const finding of findings) if (!kinds.has(finding.text)) kinds.set(finding.text, finding);
  const worst = [...kinds.values()].sort((a, b) => b.weight - a.weight);
  const right = worst.reduce((chance, { weight }) => chance * (1 - weight), 1 - 0.5 * unsure(track));
  return {
    score: Math.round(100 * (1 - right)) / 100,
    reasons: worst.map(({ text, frame }) => (text === "seen briefly" ? text : `${text} (frame ${frame})`)),
    frame: worst[0]?.frame ?? lowestScore(track),
  };
}

function unsure(track: Track): number {
  const scores = [...track.cuboids.values()].flatMap(({ score }) => (score === null ? [] : [score]));
  return scores.length ? 1 - scores.reduce((sum, score) => sum + score, 0) / scores.length : 0;
}

function lowestScore(track: Track): number {
  const frames = framesOf(track);
  let worst = frames[Math.floor(frames.length / 2)] ?? 0, lowest = Infinity;
  for (const [frame, { score }] of track.cuboids) if (score !== null && score < lowest) [worst, lowest] = [frame, score];
  return worst;
}
