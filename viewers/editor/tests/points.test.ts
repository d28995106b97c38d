import { describe, expect, it } from "vitest";
import { makeBox } from "../src/geometry/box";
import { colourPoints, cutOut, shownPoints } from "../src/points/colours";
import { DamagedPoints, type PointCloud, decodePoints } from "../src/points/decode";
import { FrameCache, neighbours } from "../src/points/frame_cache";

/** The bytes of two points as the contract lays them out. */
function encoded(): ArrayBuffer {
  const fields = [
    { name: "xyz", type: "i2", components: 3, offset: 1024, scale: 0.01, bias: [100, 0, 0] },
    { name: "intensity", type: "u1", components: 1, offset: 1040 },
    { name: "ground", type: "u1", components: 1, offset: 1048 },
    { name: "sensor", type: "u1", components: 1, offset: 1056 },
    { name: "time", type: "i2", components: 1, offset: 1064, scale: 0.00001 },
  ];
  const header = { count: 2, total: 9, level: 1, origin: [5e5, 5.4e6, 0], sensors: ["roof", "left"], fields };
  const bytes = new Uint8Array(1072);
  bytes.set(new TextEncoder().encode("LLP1"));
  new DataView(bytes.buffer).setUint32(4, 1016, true);
  bytes.fill(32, 8, 1024);
  bytes.set(new TextEncoder().encode(JSON.stringify(header)), 8);
  new Int16Array(bytes.buffer, 1024, 6).set([0, 100, -50, 200, 0, 0]);
  bytes.set([10, 200], 1040);
  bytes.set([1, 0], 1048);
  bytes.set([0, 1], 1056);
  new Int16Array(bytes.buffer, 1064, 2).set([-100, 250]);
  return bytes.buffer;
}

describe("points from the server", () => {
  const cloud = decodePoints(encoded());
  it("are read with scale and bias", () => {
    expect([...cloud.xyz].map((v) => +v.toFixed(3))).toEqual([100, 1, -0.5, 102, 0, 0]);
    expect([...(cloud.time ?? [])].map((v) => +v.toFixed(5))).toEqual([-0.001, 0.0025]);
    expect(cloud).toMatchObject({ count: 2, total: 9, level: 1, origin: [5e5, 5.4e6, 0], sensors: ["roof", "left"] });
    expect([...(cloud.intensity ?? [])]).toEqual([10, 200]);
  });
  it("are refused when damaged", () => {
    expect(() => decodePoints(new ArrayBuffer(4))).toThrow(DamagedPoints);
    expect(() => decodePoints(encoded().slice(0, 1041))).toThrow(/cut off/);
  });
  it("are hidden by ground and sensor", () => {
    expect(shownPoints(cloud, { hideGround: false, hiddenSensors: [] })).toBeNull();
    expect([...shownPoints(cloud, { hideGround: true, hiddenSensors: [] })!]).toEqual([1]);
    expect([...shownPoints(cloud, { hideGround: true, hiddenSensors: ["left"] })!]).toEqual([]);
  });
  it("take the colour of the class of their box, and are cut out near one", () => {
    const box = makeBox([102, 0, 0], [1, 1, 1]);
    expect([...colourPoints(cloud, "class", [{ box, colour: "#ff0102" }])].slice(3)).toEqual([255, 1, 2]);
    expect(colourPoints(cloud, "height", [])).not.toEqual(colourPoints(cloud, "intensity", []));
    expect(cutOut(cloud, colourPoints(cloud, "sensor", []), 102, 0.5, 1, { hideGround: false, hiddenSensors: [] }).xyz[0]).toBe(102);
  });
});

describe("the frames at hand", () => {
  const cloud = (n: number): PointCloud =>
    ({ count: n, total: n, level: 0, origin: [0, 0, 0], sensors: [], levels: [], xyz: new Float32Array(3 * n) });
  it("stay within their budget over 1,000 frames and are loaded once", async () => {
    let loads = 0;
    const cache = new FrameCache(async () => (loads++, cloud(1000)), () => 10 * 20_000);
    for (let frame = 0; frame < 1000; frame++) {
      await Promise.all([cache.get(frame), cache.get(frame)]);
      expect(cache.bytes).toBeLessThanOrEqual(10 * 20_000);
    }
    expect(loads).toBe(1000);
    expect(cache.ready(999)).toBeDefined();
    expect(cache.ready(0)).toBeUndefined();
  });
  it("are tried again after a failure", async () => {
    let tries = 0;
    const cache = new FrameCache(() => (tries++ ? Promise.resolve(cloud(1)) : Promise.reject(new Error("away"))), () => 1e6);
    await expect(cache.get(0)).rejects.toThrow("away");
    expect((await cache.get(0)).count).toBe(1);
  });
  it("are fetched ahead in the direction of travel", () => {
    expect(neighbours(5, 20, 1)).toEqual([6, 7, 8, 4]);
    expect(neighbours(0, 2, -1)).toEqual([1]);
  });
});
