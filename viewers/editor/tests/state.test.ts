import { describe, expect, it } from "vitest";
import { writeEdit } from "../src/api/labels_json";
import { makeBox } from "../src/geometry/box";
import { Poses } from "../src/geometry/transform";
import { after, listed } from "../src/state/doubt";
import { exceptionsOf, sameDoubts } from "../src/state/exceptions";
import { type Edit, type Labels, type Track, applyEdit, inFrame, keepEqual, keyframesOf } from "../src/state/labels";
import { acknowledge, conflicted, disconnected, enqueue, markSent, nextBatch, refreshed, refuse, resolve, shown, startSync, statusOf } from "../src/state/sync";

const poses = new Poses(null);
const cuboid = (x: number, keyframe = false, score = 0.8) =>
  ({ ...makeBox([x, 0, 0], [4, 2, 1.5]), score, keyframe, source: "auto", points: 20 });
const track = (id: number, frames: readonly number[], more: Partial<Track> = {}): Track => ({
  id, category: "car", attributes: {}, rigid: true, revision: 1, state: "proposed",
  cuboids: new Map(frames.map((f) => [f, cuboid(10 + f)])), ...more,
});
const labels: Labels = new Map([[1, track(1, [0, 1, 2, 3])], [2, track(2, [4, 5])]]);
const edit = (e: Edit, on = labels) => applyEdit(on, e, poses);
const moved = makeBox([50, 1, 0], [5, 2, 1.5]);
const set: Edit = { kind: "set", track: 1, keyframe: true, cuboids: [{ frame: 1, box: moved }] };

describe("edits", () => {
  it("set a cuboid by hand and give a rigid track its size everywhere", () => {
    const after = edit(set).get(1)!;
    expect(after.cuboids.get(1)).toMatchObject({ x: 50, keyframe: true, score: null });
    expect([...after.cuboids.values()].every((c) => c.length === 5)).toBe(true);
    expect(edit(set, edit({ kind: "describe", track: 1, rigid: false })).get(1)!.cuboids.get(0)!.length).toBe(4);
    expect(labels.get(1)!.cuboids.get(1)!.x).toBe(11);
  });

  it("merge, split and delete", () => {
    const merged = edit({ kind: "merge", track: 1, other: 2 });
    expect([merged.size, merged.get(1)!.cuboids.size]).toEqual([1, 6]);
    const split = edit({ kind: "split", track: 1, frame: 2, into: -1 });
    expect([...split.get(1)!.cuboids.keys(), ...split.get(-1)!.cuboids.keys()]).toEqual([0, 1, 2, 3]);
    expect(edit({ kind: "split", track: 1, frame: 0, into: -1 })).toBe(labels);
    expect(edit({ kind: "delete", track: 1 }).has(1)).toBe(false);
    expect(edit({ kind: "remove", track: 1, frames: [0, 2] }).get(1)!.cuboids.size).toBe(2);
    expect(edit({ kind: "delete", track: 99 })).toBe(labels);
  });

  it("interpolate between keyframes and leave what lies outside", () => {
    let now = edit({ kind: "set", track: 1, keyframe: true, cuboids: [{ frame: 0, box: makeBox([0, 0, 0], [4, 2, 1.5]) }] });
    now = edit({ kind: "set", track: 1, keyframe: true, cuboids: [{ frame: 2, box: makeBox([8, 0, 0], [4, 2, 1.5]) }] }, now);
    now = edit({ kind: "interpolate", track: 1, from: 0, to: 3 }, now);
    expect(now.get(1)!.cuboids.get(1)).toMatchObject({ x: 4, keyframe: false, source: "interpolated" });
    expect(now.get(1)!.cuboids.get(3)!.x).toBe(13);
    expect(keyframesOf(now.get(1)!)).toEqual([0, 2]);
  });

  it("leave to the server what the tracker solves", () => {
    const solved: Edit = { ...set, solve: true };
    expect(edit(solved).get(1)!.cuboids.get(2)!.x).toBe(12);
    expect(writeEdit({ clientId: "a", edit: solved }, () => 3)).toMatchObject({ operation: "set_cuboids", base_revision: 3, payload: { solve: true } });
    expect(edit({ kind: "interpolate", track: 1, from: 0, to: 3, solve: true })).toBe(labels);
  });

  it("hide rejected tracks from the frame", () =>
    expect(inFrame(edit({ kind: "judge", track: 1, state: "rejected" }), 0)).toHaveLength(0));
});

describe("what reads as before", () => {
  const copy = (one: Track, more: Partial<Track> = {}): Track =>
    ({ ...one, revision: one.revision + 1, cuboids: new Map([...one.cuboids].map(([f, c]) => [f, { ...c }])), ...more });
  it("stays the same object, whatever its revision", () => {
    expect(keepEqual(labels, new Map([...labels].map(([id, one]) => [id, copy(one)])))).toBe(labels);
  });
  it("is replaced where it differs, and only there", () => {
    const changed = keepEqual(labels, new Map([[1, copy(labels.get(1)!)], [2, copy(labels.get(2)!, { state: "accepted" })]]));
    expect(changed).not.toBe(labels);
    expect(changed.get(1)).toBe(labels.get(1));
    expect(changed.get(2)!.state).toBe("accepted");
    expect(changed.get(2)!.cuboids).toBe(labels.get(2)!.cuboids);
    const moved = keepEqual(labels, edit(set)).get(1)!;
    expect(moved.cuboids.get(1)!.x).toBe(50);
    expect(keepEqual(labels, new Map([[1, labels.get(1)!]])).size).toBe(1);
  });
  it("keeps doubts that say the same", () => {
    const doubts = exceptionsOf(labels, poses);
    expect(sameDoubts(doubts, exceptionsOf(labels, poses))).toBe(doubts);
    expect(sameDoubts(doubts, exceptionsOf(edit(set), poses))).not.toBe(doubts);
  });
});

describe("synchronising", () => {
  it("shows at once, saves after the answer", () => {
    let sync = enqueue(startSync(labels), set, "a");
    expect(shown(sync, poses).get(1)!.cuboids.get(1)!.x).toBe(50);
    expect(statusOf(sync)).toBe("pending");
    sync = markSent(sync, nextBatch(sync));
    expect(nextBatch(sync)).toHaveLength(0);
    sync = acknowledge(sync, [{ track: { ...edit(set).get(1)!, revision: 2 }, deleted: false }]).sync;
    expect(statusOf(sync)).toBe("saved");
    expect(shown(sync, poses).get(1)!.revision).toBe(2);
  });

  it("keeps every edit, but those of a held key only until one is on its way", () => {
    const once = enqueue(startSync(labels), set, "a");
    expect(enqueue(once, set, "b").queue.map((p) => p.clientId)).toEqual(["a", "b"]);
    expect(enqueue(once, set, "b", { held: true }).queue.map((p) => p.clientId)).toEqual(["b"]);
    expect(enqueue(markSent(once, nextBatch(once)), set, "b", { held: true }).queue).toHaveLength(2);
  });

  it("sends one edit after another", () => {
    let sync = enqueue(startSync(labels), set, "a");
    sync = enqueue(sync, { kind: "judge", track: 2, state: "accepted" }, "b");
    sync = enqueue(sync, { kind: "judge", track: 1, state: "accepted" }, "c");
    expect(nextBatch(sync).map((p) => p.clientId)).toEqual(["a"]);
  });

  it("gives a new track the server's id, in edits that wait too", () => {
    let sync = enqueue(startSync(labels), { kind: "create", track: -1, frame: 0, box: moved, category: "car" }, "a");
    sync = enqueue(sync, { kind: "judge", track: -1, state: "accepted" }, "b");
    sync = markSent(sync, nextBatch(sync));
    const done = acknowledge(sync, [{ track: track(7, [0]), deleted: false }]);
    expect(done.renamed.get(-1)).toBe(7);
    expect(done.sync.queue[0].edit.track).toBe(7);
    expect(shown(done.sync, poses).get(7)!.state).toBe("accepted");
  });

  it("keeps edits with their client ids when the server is away", () => {
    let sync = enqueue(startSync(labels), set, "a");
    sync = disconnected(markSent(sync, nextBatch(sync)));
    expect(statusOf(sync)).toBe("offline");
    expect(nextBatch(sync).map((p) => p.clientId)).toEqual(["a"]);
  });

  it("asks whose state counts after a conflict", () => {
    let sync = markSent(enqueue(startSync(labels), set, "a"), [{ clientId: "a", edit: set }]);
    const newer = track(1, [0, 1], { revision: 9 });
    sync = conflicted(sync, [{ track: newer, deleted: false }]);
    expect(statusOf(sync)).toBe("conflict");
    expect(shown(sync, poses).get(1)!.cuboids.get(1)!.x).toBe(11);
    expect(shown(resolve(sync, "theirs", () => "n"), poses).get(1)).toBe(newer);
    const mine = resolve(sync, "mine", () => "n");
    expect(mine.queue[0].clientId).toBe("n");
    expect(shown(mine, poses).get(1)!.cuboids.get(1)!.x).toBe(50);
  });

  it("drops what the server refuses and says why; keeps my view of a track under a refresh", () => {
    const sync = markSent(enqueue(startSync(labels), set, "a"), [{ clientId: "a", edit: set }]);
    expect(refuse(sync, "no")).toMatchObject({ queue: [], refused: "no" });
    const fresh = refreshed(sync, new Map([[1, track(1, [9])], [3, track(3, [0])]]));
    expect([fresh.confirmed.get(1), fresh.confirmed.has(3)]).toEqual([labels.get(1), true]);
  });
});

describe("doubt", () => {
  const turned = (frame: number, yaw: number) => [frame, { ...cuboid(10 + frame), yaw }] as const;
  const many: Labels = new Map([
    [1, track(1, [0, 1, 2, 3])],
    [2, track(2, [], { state: "accepted", cuboids: new Map([[0, cuboid(60)], [1, cuboid(60.1)], [3, cuboid(60.2)]]) })],
    [3, track(3, [], { cuboids: new Map([turned(20, 0), turned(21, 0), turned(22, 3.1), turned(23, 3.1)]) })],
    [4, track(4, [], { rigid: false, cuboids: new Map([[0, cuboid(30)], [1, { ...cuboid(30), length: 6 }], [2, cuboid(50)], [3, { ...cuboid(50), points: 2 }]]) })],
  ]);
  const doubts = exceptionsOf(many, poses);

  it("finds flips, jumps, gaps, changed sizes, few points", () => {
    expect(doubts.get(1)).toMatchObject({ score: 0.1, reasons: [] });
    expect(doubts.get(2)!.reasons).toEqual(["gap of 1 frames (frame 3)"]);
    expect(doubts.get(3)).toMatchObject({ reasons: ["heading flips (frame 22)"], frame: 22 });
    expect(doubts.get(4)!.reasons).toEqual(["jumps (frame 2)", "size jumps (frame 1)", "few points (frame 3)"]);
  });

  it("finds cuboids that overlap, unless one was rejected", () => {
    const twin = track(9, [0, 1, 2, 3]);
    expect(exceptionsOf(new Map([...many, [9, twin]]), poses).get(1)!.reasons).toEqual(["overlaps object 9 (frame 0)"]);
    expect(exceptionsOf(new Map([...many, [9, { ...twin, state: "rejected" as const }]]), poses).get(1)!.reasons).toEqual([]);
  });

  it("sees no flip where the ego turns under a parked car", () => {
    const half = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const turns = new Poses([[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], half]);
    const parked = { ...cuboid(-10), yaw: Math.PI };
    const still: Labels = new Map([[1, track(1, [], { cuboids: new Map([[0, cuboid(10)], [1, parked]]) })]]);
    expect(exceptionsOf(still, turns).get(1)!.reasons).toEqual(["seen briefly"]);
  });

  it("leaves out what was seen once, unless nothing was seen twice", () => {
    const all = { sort: "id", text: "", open: false, once: false } as const;
    const ghost = new Map([...many, [9, track(9, [3])]]);
    expect(listed(ghost, all, doubts).map((t) => t.id)).toEqual([1, 2, 3, 4]);
    expect(listed(ghost, { ...all, once: true }, doubts)).toHaveLength(5);
    expect(listed(new Map([[9, track(9, [3], { state: "accepted" })], ...many]), all, doubts)).toHaveLength(5);
    expect(listed(new Map([[9, track(9, [3])]]), all, doubts)).toHaveLength(1);
  });

  it("orders the list, which is walked round and round", () => {
    const list = listed(many, { sort: "doubt", text: "", open: false, once: false }, doubts);
    expect(list.map((t) => t.id)).toEqual([4, 3, 2, 1]);
    expect(listed(many, { sort: "id", text: "", open: true, once: false }, doubts).map((t) => t.id)).toEqual([1, 3, 4]);
    expect(listed(many, { sort: "id", text: "flips", open: false, once: false }, doubts).map((t) => t.id)).toEqual([3]);
    expect([after(list, 1, 1)?.id, after(list, 4, -1)?.id, after(list, null, 1)?.id, after([], 1, 1)]).toEqual([4, 1, 4, null]);
  });
});
