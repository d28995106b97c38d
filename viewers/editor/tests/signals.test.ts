import { describe, expect, it } from "vitest";
import { hitAt, lanesOf, layoutOf } from "../src/signals/layout";
import { clipped, followers, leaving, parentOf } from "../src/signals/nesting";
import { decodeSignal, groups, range, rowAt, serves } from "../src/signals/signal_view";
import { type Change, SECOND, exactTime, panBy, pieceAt, snapped, ticks, toTime, toX, within, zoomAt } from "../src/signals/time_axis";
import { acknowledge, enqueue, rebase, refuse, shown, startSync, statusOf } from "../src/signals/window_sync";
import { type ActivityWindow, type WindowEdit, type Windows, applyEdit, following, listed, successor, sureProposals, unknownStretches } from "../src/signals/windows";

const s = (seconds: number) => seconds * SECOND;
const whole = { start: 0, end: s(100) };
const window = (id: number, start: number, end: number, more: Partial<ActivityWindow> = {}): ActivityWindow =>
  ({ id, start: s(start), end: s(end), category: "walking", tier: "activity", channel: "", attributes: {}, state: "accepted", score: null, startBand: 5, endBand: 5, reason: "", revision: 3, ...more });
const made = (...all: ActivityWindow[]): Windows => new Map(all.map((one) => [one.id, one]));
const change = (time: number): Change => ({ time: s(time), low: s(time - 0.5), high: s(time + 0.5), gain: 2 });

describe("the time axis", () => {
  it("keeps the time under the mouse where it is", () => {
    const view = { start: s(20), end: s(60) }, at = s(30);
    for (const factor of [0.5, 0.9, 1.3]) expect(toX(zoomAt(view, factor, at, whole), 800, at)).toBeCloseTo(200, 6);
  });
  it("never leaves the signal", () => {
    expect(panBy({ start: s(80), end: s(90) }, s(50), whole)).toEqual({ start: s(90), end: s(100) });
    expect(zoomAt({ start: s(10), end: s(90) }, 99, s(50), whole)).toEqual(whole);
    expect(within({ start: s(5), end: s(5) }, whole).end).toBeGreaterThan(s(5));
  });
  it("maps pixels to times and back", () => {
    const view = { start: s(3), end: s(7) };
    expect(toTime(view, 1000, toX(view, 1000, s(4.25)))).toBe(s(4.25));
  });
  it("writes times to the nanosecond", () => {
    expect(exactTime(1_790_000_000_123_456_789n, 1)).toBe("2026-09-21 14:13:20.123456790 UTC");
    expect(exactTime(7n, s(12.5))).toBe("12.500000007 s");
    expect(exactTime(-5n, 0)).toBe("-0.000000005 s");
  });
  it("puts ticks on round times of day", () => {
    const found = ticks({ start: 0, end: s(40) }, 800, 1_790_000_000_000_000_000n);
    expect(found.map(({ text }) => text)).toEqual(["14:13:20", "14:13:30", "14:13:40", "14:13:50", "14:14:00"]);
  });
  it("snaps to a change or an edge in reach, and leaves the rest", () => {
    const changes = [change(10), change(20)];
    expect(snapped(s(10.4), changes, [], s(0.5))).toEqual({ time: s(10), change: changes[0] });
    expect(snapped(s(10.4), changes, [s(10.5)], s(0.5)).time).toBe(s(10.5));
    expect(snapped(s(15), changes, [s(12)], s(0.5)).time).toBe(s(15));
  });
  it("finds the piece between two changes", () => {
    expect(pieceAt([change(10), change(20)], s(12), whole)).toEqual({ start: s(10), end: s(20) });
    expect(pieceAt([change(10)], s(3), whole)).toEqual({ start: 0, end: s(10) });
    expect(pieceAt([], s(3), whole)).toEqual(whole);
  });
});

describe("windows", () => {
  it.each<[string, WindowEdit, Partial<ActivityWindow>[]]>([
    ["split", { kind: "split", window: 1, at: s(14), into: -1 }, [{ start: s(10), end: s(14), endBand: 0 }, { id: -1, start: s(14), end: s(20), startBand: 0 }, {}]],
    ["merge", { kind: "merge", window: 1, other: 2 }, [{ start: s(10), end: s(30) }]],
    ["move", { kind: "move", window: 1, start: s(9), end: s(20) }, [{ start: s(9), startBand: 0, endBand: 5 }, {}]],
    ["tag", { kind: "tag", window: 2, category: "lying" }, [{}, { category: "lying", score: null, state: "accepted" }]],
    ["delete", { kind: "delete", window: 1 }, [{ id: 2 }]],
    ["reject", { kind: "judge", window: 2, state: "rejected" }, [{ id: 1 }]],
    ["split outside of it", { kind: "split", window: 1, at: s(25), into: -1 }, [{ end: s(20) }, {}]],
    ["an edit of what is gone", { kind: "delete", window: 9 }, [{}, {}]],
  ])("%s", (_, edit, wanted) => {
    const after = listed(applyEdit(made(window(1, 10, 20), window(2, 22, 30, { state: "proposed", score: 0.7 })), edit));
    expect(after).toHaveLength(wanted.length);
    wanted.forEach((fields, i) => expect(after[i]).toMatchObject(fields));
  });
  it("does not merge tiers", () => {
    const windows = made(window(1, 0, 5), window(2, 5, 9, { tier: "posture" }));
    expect(applyEdit(windows, { kind: "merge", window: 1, other: 2 })).toBe(windows);
    expect(following(windows, window(1, 0, 5))).toBeUndefined();
  });
  it("lists sure proposals, never unknown ones", () => {
    const windows = made(window(1, 0, 5), window(2, 5, 9, { state: "proposed", score: 0.9 }), window(3, 9, 12, { state: "proposed", score: 0.4 }), window(4, 12, 15, { state: "proposed", category: "unknown", score: null }));
    expect(sureProposals(windows, 0.8).map(({ id }) => id)).toEqual([2]);
    expect(sureProposals(windows, 0).map(({ id }) => id)).toEqual([2, 3]);
  });
  it("lists stretches without a class, longest first, and no gaps", () => {
    const windows = made(window(1, 10, 20), window(2, 50, 60, { category: "unknown", state: "proposed" }), window(3, 0, 90, { tier: "context" }));
    expect(unknownStretches(windows, "activity", whole, [{ start: s(30), end: s(40) }], s(1)))
      .toEqual([{ start: s(40), end: s(100) }, { start: 0, end: s(10) }, { start: s(20), end: s(30) }]);
  });
});

describe("what stays chosen", () => {
  const proposed = (id: number, start: number, end: number, more: Partial<ActivityWindow> = {}) => window(id, start, end, { state: "proposed", score: 0.8, ...more });
  it("is the proposal that takes the place of a proposal, not another tier's", () => {
    const now = made(proposed(7, 0, 8, { tier: "posture" }), proposed(8, 0, 4), proposed(9, 4, 11));
    expect(successor(1, made(proposed(1, 4, 10)), now)).toBe(9);
    expect(successor(1, made(window(1, 4, 10)), now)).toBeNull();
  });
  it("is the window itself until it is rejected, also under a number that is new here", () => {
    expect(successor(1, made(), made(window(1, 0, 5)))).toBe(1);
    expect(successor(1, made(proposed(1, 0, 5)), made(window(1, 0, 5, { state: "rejected" })))).toBeNull();
  });
});

describe("what is under the mouse", () => {
  const windows = made(window(1, 10, 20), window(2, 20, 40), window(3, 0, 90, { tier: "context" }));
  const layout = layoutOf(1000, 400, lanesOf(windows, "activity"), 2);
  const hit = (x: number, y: number, chosen: number | null = null) => hitAt(layout, whole, windows, chosen, "activity", x, y);
  it("has a lane for each tier in use, and strips to the bottom", () => {
    expect(layout.lanes.map(({ tier }) => tier)).toEqual(["context", "activity"]);
    expect(lanesOf(windows, "posture")).toEqual(["context", "posture", "activity"]);
    expect(layout.strips[1].y + layout.strips[1].height).toBeCloseTo(400);
  });
  it.each([
    [500, 5, null, { kind: "ruler" }],
    [102, 60, null, { kind: "edge", end: "start", window: { id: 1 } }],
    [150, 60, null, { kind: "inside", window: { id: 1 } }],
    [150, 31, null, { kind: "inside", window: { id: 3 }, tier: "context" }],
    [102, 200, null, { kind: "inside", window: { id: 1 } }],
    [102, 200, 1, { kind: "edge", end: "start", window: { id: 1 } }],
    [200, 60, 1, { kind: "edge", end: "end", window: { id: 1 } }],
    [200, 60, 2, { kind: "edge", end: "start", window: { id: 2 } }],
    [600, 200, null, { kind: "empty", tier: "activity" }],
  ] as const)("at %d, %d with %s chosen", (x, y, chosen, wanted) => {
    expect(hit(x, y, chosen)).toMatchObject(wanted);
  });
});

describe("windows within others", () => {
  const sitting = window(1, 10, 40, { tier: "posture" }), trip = window(2, 0, 60, { tier: "context" });
  it("have the nearest tier's window that holds the most of them as parent", () => {
    const all = made(sitting, trip, window(3, 40, 50, { tier: "posture" }), window(4, 0, 90, { tier: "posture", state: "proposed" }));
    expect(parentOf(all, { start: s(30), end: s(45) }, "activity")?.id).toBe(1);
    expect(parentOf(all, { start: s(52), end: s(55) }, "activity")?.id).toBe(2);
    expect(parentOf(all, { start: s(12), end: s(13) }, "posture")?.id).toBe(2);
    expect(parentOf(all, { start: s(70), end: s(80) }, "activity")).toBeNull();
    expect(parentOf(all, trip, "context")).toBeNull();
  });
  it("end where their parent ends, and stay whole without one", () => {
    expect(clipped(made(sitting), { start: s(30), end: s(45) }, "activity")).toEqual({ start: s(30), end: s(40) });
    expect(clipped(made(sitting), { start: s(50), end: s(55) }, "activity")).toEqual({ start: s(50), end: s(55) });
    expect(clipped(made(sitting), { start: s(8), end: s(45) }, "context")).toEqual({ start: s(8), end: s(45) });
  });
  it("are clipped when their parent is made shorter, but not moved out of it", () => {
    const all = made(sitting, window(3, 12, 38), window(4, 33, 39), window(5, 15, 20));
    expect(followers(all, sitting, { start: s(10), end: s(30) })).toEqual([{ kind: "move", window: 3, start: s(12), end: s(30) }]);
    expect(followers(all, sitting, { start: s(5), end: s(45) })).toEqual([]);
  });
  it("that leave their parent are findings, the worst first", () => {
    const all = made(sitting, window(3, 8, 20), window(4, 30, 45), window(5, 15, 20), window(6, 5, 20, { state: "proposed" }));
    expect(leaving(all).map(({ window: { id }, parent, by }) => [id, parent.id, by])).toEqual([[4, 1, s(5)], [3, 1, s(2)]]);
  });
});

describe("edits under way", () => {
  let n = 0;
  const id = () => `c${n++}`;
  it("are on the screen at once, and get the server's numbers", () => {
    let sync = enqueue(startSync(made(window(1, 0, 5))), [{ kind: "create", window: -1, start: s(6), end: s(8), category: "lying", tier: "activity" }], id);
    sync = enqueue(sync, [{ kind: "tag", window: -1, category: "walking" }], id);
    expect(statusOf(sync)).toBe("pending");
    expect(shown(sync).get(-1)?.category).toBe("walking");
    const done = acknowledge(sync, [{ window: window(7, 6, 8, { category: "lying", revision: 4 }), deleted: false }]);
    expect([...done.renamed]).toEqual([[-1, 7]]);
    expect(done.sync.queue[0].edits[0].edit).toMatchObject({ kind: "tag", window: 7 });
    expect(shown(done.sync).get(7)?.category).toBe("walking");
  });
  it("that are refused take along what builds on them", () => {
    let sync = enqueue(startSync(made(window(1, 0, 5))), [{ kind: "split", window: 1, at: s(2), into: -2 }], id);
    sync = enqueue(enqueue(sync, [{ kind: "delete", window: -2 }], id), [{ kind: "tag", window: 1, category: "lying" }], id);
    const left = refuse(sync);
    expect(left.queue.map(({ edits }) => edits[0].edit.kind)).toEqual(["tag"]);
    expect(shown(left).get(1)).toMatchObject({ end: s(5), category: "lying" });
  });
  it("keep what a person accepted of a proposal that was replaced meanwhile", () => {
    const old = window(5, 10, 20, { state: "proposed", score: 0.9 });
    let sync = enqueue(startSync(made(window(1, 0, 5), old)), [{ kind: "judge", window: 5, state: "accepted" }], id);
    sync = enqueue(sync, [{ kind: "judge", window: 1, state: "rejected" }], id);
    const after = rebase(sync, made(window(1, 0, 5), window(8, 9, 21, { state: "proposed" })));
    expect(after.queue.map(({ edits }) => edits[0].edit.kind)).toEqual(["create", "judge"]);
    expect(shown(after).get(5)).toMatchObject({ start: s(10), end: s(20), state: "accepted" });
    const gone = rebase(enqueue(startSync(made(old)), [{ kind: "move", window: 5, start: 0, end: 1 }], id), made());
    expect(gone.queue).toEqual([]);
  });
  it("a deletion by the server settles", () => {
    const sync = enqueue(startSync(made(window(1, 0, 5), window(2, 6, 8))), [{ kind: "merge", window: 1, other: 2 }], id);
    const done = acknowledge(sync, [{ window: window(1, 0, 8), deleted: false }, { window: window(2, 0, 0), deleted: true }]);
    expect([...shown(done.sync).keys()]).toEqual([1]);
    expect(statusOf(done.sync)).toBe("saved");
  });
});

function encoded(fields: Record<string, number[]>, header: object, channels: number): ArrayBuffer {
  const count = fields.time.length;
  let offset = 1024;
  const described = Object.entries(fields).map(([name, values]) => {
    const field = { name, type: "f4", components: values.length / count, offset };
    offset += Math.ceil((values.length * 4) / 8) * 8;
    return field;
  });
  const text = JSON.stringify({ count, fields: described, channels: Array.from({ length: channels }, (_, i) => `acc_${"xyz"[i]}`), units: [], ...header }).padEnd(1016);
  const buffer = new ArrayBuffer(offset);
  new Uint8Array(buffer).set(new TextEncoder().encode("LLP1"));
  new DataView(buffer).setUint32(4, 1016, true);
  new Uint8Array(buffer).set(new TextEncoder().encode(text), 8);
  described.forEach(({ name, offset: at }) => new Float32Array(buffer, at, fields[name].length).set(fields[name]));
  return buffer;
}

describe("a signal's view", () => {
  const view = decodeSignal(encoded({ time: [0, 1, 2], low: [0, 1, 2, 3, -4, 5], high: [1, 1, 2, 9, 4, 5] }, { start_ns: "1000000000", block: 4 }, 2), 500_000_000n, whole);
  it("is decoded on the signal's clock", () => {
    expect([...view.time]).toEqual([s(0.5), s(1.5), s(2.5)]);
    expect(range(view, [0])[0]).toBeCloseTo(-4.4, 5);
    expect(range(view, [1])[1]).toBeCloseTo(9.4, 5);
  });
  it("finds the nearest row", () => {
    expect([0, s(0.9), s(1.1), s(9)].map((time) => rowAt(view, time))).toEqual([0, 0, 1, 2]);
  });
  it("serves what it covers as finely as asked", () => {
    expect(serves(view, { start: 0, end: s(100) }, 4)).toBe(true);
    expect(serves(view, { start: 0, end: s(10) }, 4)).toBe(false);
    expect(serves({ ...view, block: 1 }, { start: 0, end: s(10) }, 4000)).toBe(true);
    expect(serves(view, { start: -1, end: s(10) }, 1)).toBe(false);
  });
  it("groups the axes of a sensor", () => {
    expect(groups(["acc_x", "acc_y", "gyro_x", "speed"], false).map(({ columns }) => columns)).toEqual([[0, 1], [2], [3]]);
    expect(groups(["acc_x", "acc_y"], true)).toHaveLength(2);
  });
});
