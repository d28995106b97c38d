import { describe, expect, it } from "vitest";
import type { LabelClass } from "../src/api/ontology_json";
import activities from "../../../lidar_label/ontologies/activities.yaml?raw";
import { COMMANDS, KEYS, meaningOf } from "../src/signals/keymap";

const keys = [...activities.matchAll(/^ {4}key: "(.)"/gm)].map(([, key]) => key);
const classes = keys.map((key, i) => ({ name: `class ${i}`, key })) as unknown as LabelClass[];
const press = (key: string, more = {}) => meaningOf({ key, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more }, classes);

describe("keys of the signals page", () => {
  it("are one command's each, and no activity's", () => {
    const all = [...Object.values(KEYS).flat(), ...keys];
    expect(keys.length).toBeGreaterThan(15);
    expect(new Set(all).size).toBe(all.length);
    expect(Object.keys(KEYS).sort()).toEqual(Object.keys(COMMANDS).sort());
  });
  it("tag by the ontology's keys", () => {
    expect(press(keys[3])).toEqual({ category: "class 3" });
    expect(press("!", { shiftKey: true, code: "Digit1" })).toEqual({ category: `class ${keys.indexOf("1")}` });
  });
  it("command with modifiers", () => {
    expect(press("z", { ctrlKey: true })).toEqual({ command: "undo" });
    expect(press("Enter", { shiftKey: true })).toEqual({ command: "accept_sure" });
    expect(press("Shift")).toBeNull();
  });
});
