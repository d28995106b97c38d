import { expect, test } from "vitest";
import { holdsSignals, namesCoordinates } from "../src/pages/signal_files";

test.each([
  ["x,y,z,intensity\n1,2,3,4", true],
  ['"X";"Y";"Z"\r\n1;2;3', true],
  ["x y z\n", true],
  ["time,x,y,z\n0,1,2,3", false], // an accelerometer's axes
  ["t,acc_x,acc_y,acc_z\n", false],
  ["", false],
])("a header %j names coordinates: %s", (head, expected) => {
  expect(namesCoordinates(head)).toBe(expected);
});

test("a table goes to the wizard that its header asks for, a recording to neither", async () => {
  expect(await holdsSignals(new File(["time,ax,ay,az\n"], "phone.csv"))).toBe(true);
  expect(await holdsSignals(new File(["x,y,z\n"], "cloud.csv"))).toBe(false);
  expect(await holdsSignals(new File([""], "sound.WAV"))).toBe(true);
  expect(await holdsSignals(new File([""], "sweep.pcd"))).toBe(false);
});
