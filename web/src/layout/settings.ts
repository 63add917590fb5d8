// What the person set, kept on this computer and the same in all tabs. It must not know what it changes.

import { create } from "zustand";
import { clampFontSize, DEFAULT_SETTINGS, restoredSettings, type Settings } from "./settingsState.ts";

export type { Settings } from "./settingsState.ts";

const KEY = "mosaic.settings";

function read(): Settings {
  try {
    return restoredSettings(localStorage.getItem(KEY));
  } catch {
    return DEFAULT_SETTINGS;
  }
}

export const useSettings = create<Settings>(read);

export function changeSettings(change: Partial<Settings>): void {
  const next = { ...useSettings.getState(), ...change };
  next.terminalFontSize = clampFontSize(next.terminalFontSize);
  useSettings.setState(next);
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Full or forbidden: they hold until the reload.
  }
}

/** Takes over what other tabs set; the answer ends it. */
export function followSettings(): () => void {
  const changed = (event: StorageEvent) => {
    if (event.key === KEY || event.key === null) useSettings.setState(read());
  };
  window.addEventListener("storage", changed);
  return () => window.removeEventListener("storage", changed);
}
