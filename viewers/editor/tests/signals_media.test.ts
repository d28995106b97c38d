import { describe, expect, it } from "vitest";
import type { Labels, Track } from "../src/state/labels";
import { enqueue, startSync } from "../src/state/sync";
import { writeEdit } from "../src/api/labels_json";
import { hitAt, layoutOf } from "../src/signals/layout";
import { KEYS, keysOf, loadKeys, meaningOf, rebind, saveKeys } from "../src/signals/keymap";
import { type Medium, evenCurve, mediumTime, shifted, signalTime, stretched } from "../src/signals/media";
import { frameAt, sceneOf } from "../src/signals/scene";
import { joined } from "../src/signals/signal_view";
import { SECOND } from "../src/signals/time_axis";
import { type Windows, applyEdit } from "../src/signals/windows";
import { NO_STEPS, did, taken } from "../src/signals/steps";

const film: Medium = { id: 1, name: "film", kind: "video", start: 5 * SECOND, drift: 200, alignedBy: "", revision: 1, length: 100 };

describe("films and sounds", () => {
  it("have times that go there and back", () => {
    expect(mediumTime(film, signalTime(film, 60))).toBeCloseTo(60, 9);
    expect(signalTime(film, 60) / SECOND).toBeCloseTo(65.012, 9);
  });
  it("are moved as a whole, or stretched from their beginning", () => {
    expect(shifted(film, SECOND)).toEqual({ ...film, start: 6 * SECOND });
    const longer = stretched({ ...film, drift: 0 }, 55 * SECOND, 55.01 * SECOND);
    expect(longer.start).toBe(film.start);
    expect(longer.drift).toBeCloseTo(200, 6);
    expect(signalTime(longer, 50) / SECOND).toBeCloseTo(55.01, 6);
  });
  it("have a curve with holes where no picture was seen", () => {
    const seen = [{ time: 0.04, moved: 1 }, { time: 0.041, moved: 3 }, { time: 0.12, moved: 5 }];
    expect(evenCurve(seen, 25)).toEqual([null, 2, null, 5]);
  });
});

const track = (id: number, frames: number[], state = "proposed") =>
  ({ id, category: "car", state, cuboids: new Map(frames.map((frame) => [frame, {}])) }) as unknown as Track;

describe("the cuboids of the recording", () => {
  const labels: Labels = new Map([track(1, [0, 1, 2]), track(2, [1, 3]), track(3, [3, 4]), track(4, [0], "rejected")].map((one) => [one.id, one]));
  const scene = sceneOf([0, 10, 20, 30, 40], labels);
  it("are spans in rows that do not cover each other", () => {
    expect(scene.spans.map(({ track: id, start, end, row }) => [id, start, end, row])).toEqual([[1, 0, 20, 0], [2, 10, 30, 1], [3, 30, 40, 0]]);
    expect(scene.rows).toBe(2);
  });
  it("are found under the mouse", () => {
    const layout = layoutOf(400, 300, ["activity"], 1, scene.rows), view = { start: 0, end: 40 };
    const hit = hitAt(layout, view, new Map(), null, "activity", 350, layout.tracks.y + 2, scene);
    expect(hit.kind === "track" && hit.span?.track).toBe(3);
  });
  it("belong to the nearest frame", () => {
    expect([-5, 4, 6, 26, 99].map((time) => frameAt(scene.times, time))).toEqual([0, 0, 1, 3, 4]);
    expect(frameAt([], 3)).toBe(-1);
  });
});

describe("windows", () => {
  it("say what is said of them, and take it back", () => {
    const made: Windows = applyEdit(new Map(), { kind: "create", window: -1, start: 4, end: 4, category: "fall", tier: "activity", channel: "acc_x" });
    const said = applyEdit(made, { kind: "describe", window: -1, attributes: { phone: "hand", sure: true } });
    expect(said.get(-1)).toMatchObject({ channel: "acc_x", attributes: { phone: "hand", sure: true } });
    expect(applyEdit(said, { kind: "describe", window: -1, attributes: { phone: null } }).get(-1)?.attributes).toEqual({ sure: true });
  });
});

describe("own keys", () => {
  it("take the place of ours, unless they are taken", () => {
    const classes = [{ name: "walking", key: "4" }] as never;
    expect(rebind({}, "undo", "4", classes).taken).toBe("class walking");
    expect(rebind({}, "undo", KEYS.split[0], classes).taken).toBe("Split at the cursor");
    const { own } = rebind({}, "undo", "z", classes);
    const press = { key: "z", code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
    expect(meaningOf(press, classes, own)).toEqual({ command: "undo" });
    const kept = new Map<string, string>();
    const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) } as unknown as Storage;
    saveKeys(storage, own);
    expect(keysOf(loadKeys(storage)).undo).toEqual(["z"]);
    kept.forEach((_, key) => kept.set(key, "{broken"));
    expect(loadKeys(storage)).toEqual({});
  });
});

describe("derived channels", () => {
  it("stand after the sensor's in every row", () => {
    const view = { start: 0, end: 1, block: 1, units: [""], count: 2, time: new Float64Array(2) };
    const own = { ...view, channels: ["a"], low: Float32Array.of(1, 2), high: Float32Array.of(1, 2) };
    const both = joined(own, { ...view, channels: ["b"], low: Float32Array.of(3, 4), high: Float32Array.of(5, 6) });
    expect([both.channels, [...both.low], [...both.high]]).toEqual([["a", "b"], [1, 3, 2, 4], [1, 5, 2, 6]]);
  });
});

describe("a batch of cuboid edits", () => {
  it("goes to the server under one name", () => {
    const first = { kind: "judge", track: 1, state: "accepted" } as const;
    const sync = enqueue(enqueue(startSync(new Map()), first, "a", { batch: "b" }), { ...first, track: 2 }, "c", { batch: "b" });
    expect(sync.queue.map((pending) => writeEdit(pending, () => 1).batch)).toEqual(["b", "b"]);
    expect(writeEdit({ clientId: "d", edit: first }, () => 1)).not.toHaveProperty("batch");
  });
});

describe("undo", () => {
  const moved = { medium: 3, before: { start: 0, drift: 0, by: "hand" }, after: { start: 5, drift: 0, by: "hand" } } as const;
  it("takes back what was done last, be it windows or an alignment, and does it again", () => {
    const steps = did(did(NO_STEPS, "windows"), moved), one = taken(steps, "undo"), two = taken(one.steps, "undo");
    expect([one.step, two.step]).toEqual([moved, "windows"]);
    expect(taken(two.steps, "redo").step).toBe("windows");
    expect(taken(taken(two.steps, "redo").steps, "redo").step).toEqual(moved);
  });
  it("goes on to the windows of earlier pages, and forgets what was undone once something is done", () => {
    expect(taken(NO_STEPS, "undo").step).toBe("windows");
    const one = taken(did(NO_STEPS, moved), "undo");
    expect(taken(did(one.steps, "windows"), "redo").step).toBe("windows");
  });
});
