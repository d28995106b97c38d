import { describe, expect, it } from "vitest";
import { COMMANDS, PRESETS, type Preset, chordOf, commandFor, conflicts, keymapOf, rebind } from "../src/state/keymap";

const press = (key: string, mods: Partial<Record<"ctrlKey" | "shiftKey" | "altKey" | "metaKey", boolean>> = {}) =>
  chordOf({ key, ctrlKey: false, shiftKey: false, altKey: false, metaKey: false, ...mods });
const CLASS_KEYS = Array.from("1234567890", (key) => `Shift+${key}`);

describe("keys", () => {
  it.each(Object.keys(PRESETS) as Preset[])("of %s answer one command each and leave none out", (preset) => {
    const keymap = keymapOf(preset, {});
    expect([...conflicts(keymap, CLASS_KEYS)]).toEqual([]);
    for (const command of Object.keys(COMMANDS)) expect(keymap[command as keyof typeof keymap].length).toBeGreaterThan(0);
  });

  it("are named with their modifiers, whatever the layout shifts", () => {
    expect(press("z", { ctrlKey: true })).toBe("Ctrl+z");
    expect(press("Z", { ctrlKey: true, shiftKey: true })).toBe("Ctrl+Shift+Z");
    expect(press("?", { shiftKey: true })).toBe("?");
    expect(press(" ")).toBe("Space");
    expect(press("Z")).toBe("z"); // caps lock
    expect(press("Shift", { shiftKey: true })).toBeNull();
    expect(commandFor(PRESETS.default, "Alt+ArrowRight")).toBe("copy_next");
    expect(commandFor(PRESETS.default, "F13")).toBeNull();
  });

  it("can be one's own, unless another command has them", () => {
    expect(rebind("default", {}, "fit", "Shift+Q")).toEqual({ own: { fit: ["Shift+Q"] }, taken: null });
    expect(rebind("default", {}, "fit", "g").taken).toBe("flip");
  });

  it("in conflict are named", () =>
    expect(conflicts(keymapOf("default", { fit: ["g"] })).get("g")).toEqual([COMMANDS.flip, COMMANDS.fit]));
});
