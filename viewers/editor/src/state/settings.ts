/** What a person sets once; kept in the browser. */

import { FRAME_MEMORY_MB, POINT_BUDGET, SETTINGS_KEY } from "../points/budget";
import { COLOUR_MODES, type ColourMode } from "../points/colours";
import { type OwnKeys, PRESETS, type Preset } from "./keymap";

export interface Settings {
  readonly colourBy: ColourMode;
  readonly pointSize: number;
  readonly hideGround: boolean;
  readonly hiddenSensors: readonly string[];
  /** The tracker moves the other cuboids of a track after one that a person set. */
  readonly othersFollow: boolean;
  readonly theme: "dark" | "light";
  readonly preset: Preset;
  readonly ownKeys: OwnKeys;
  /** Points of one frame to load and draw at most; a larger frame is thinned to so many. */
  readonly pointBudget: number;
  /** Megabytes of points of frames last seen and fetched ahead that are kept. */
  readonly frameMemory: number;
}

export const DEFAULT_SETTINGS: Settings = {
  colourBy: "height", pointSize: 1.6, hideGround: false, hiddenSensors: [], othersFollow: true, theme: "dark",
  preset: "default", ownKeys: {}, pointBudget: POINT_BUDGET, frameMemory: FRAME_MEMORY_MB,
};

export function loadSettings(storage: Storage): Settings {
  try {
    const kept = { ...DEFAULT_SETTINGS, ...JSON.parse(storage.getItem(SETTINGS_KEY) ?? "{}") as Partial<Settings> };
    const known = COLOUR_MODES.includes(kept.colourBy) && kept.preset in PRESETS;
    return known ? kept : DEFAULT_SETTINGS;
  } catch {
    return DEFAULT_SETTINGS;
  }
}

export function saveSettings(storage: Storage, settings: Settings): void {
  storage.setItem(SETTINGS_KEY, JSON.stringify(settings));
}
