// What a person may set for terminals here, besides the page's own settings: kept in the browser.
//
// It must not know xterm.

import { create } from "zustand";
import { changeSettings, useSettings } from "../layout/settings.ts";
import { DEFAULT_SETTINGS } from "../layout/settingsState.ts";

export interface TerminalSettings {
  /** What is selected is copied at once. */
  copyOnSelect: boolean;
  cursorBlink: boolean;
  /** Tab moves the focus out of the terminal. Never kept: it would surprise tomorrow. */
  tabMovesFocus: boolean;
}

const KEY = "mosaic.terminal";

export const useTerminalSettings = create<TerminalSettings>(() => ({
  copyOnSelect: false,
  cursorBlink: true,
  ...kept(),
  tabMovesFocus: false,
}));

export function changeTerminalSettings(change: Partial<TerminalSettings>): void {
  useTerminalSettings.setState(change);
  const { tabMovesFocus: _, ...rest } = useTerminalSettings.getState();
  try {
    localStorage.setItem(KEY, JSON.stringify(rest));
  } catch {
    // Full or forbidden: they hold until the reload.
  }
}

/** Only what is as it should be: another version of the page, or somebody's hand, may have written it. */
function kept(): Partial<TerminalSettings> {
  try {
    const data: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const found = typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
    const names = ["copyOnSelect", "cursorBlink"] as const;
    return Object.fromEntries(
      names.filter((name) => typeof found[name] === "boolean").map((name) => [name, found[name]]),
    );
  } catch {
    return {};
  }
}

/** By so many pixels, or back to normal. */
export function changeFontSize(by: number | "normal"): void {
  const { terminalFontSize } = useSettings.getState();
  changeSettings({
    terminalFontSize: by === "normal" ? DEFAULT_SETTINGS.terminalFontSize : terminalFontSize + by,
  });
}

/** Calls whenever something changes that a terminal's look depends on. */
export function onLookChange(changed: () => void): () => void {
  const ends = [useSettings.subscribe(changed), useTerminalSettings.subscribe(changed)];
  return () => {
    for (const end of ends) {
      end();
    }
  };
}

/** How a terminal looks now, in xterm's words. */
export function look() {
  const { terminalFontSize: fontSize, screenReader: screenReaderMode } = useSettings.getState();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return { fontSize, screenReaderMode, cursorBlink: useTerminalSettings.getState().cursorBlink && !still };
}
