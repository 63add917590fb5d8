// How terminals look and behave on this device: kept in the browser, the same for all terminals.
//
// It must not know xterm. The theme is not here: it is the page's.

import { create } from "zustand";
import { persist } from "zustand/middleware";

export interface TerminalSettings {
  fontSize: number;
  /** xterm writes lines into a live region, and a screen reader can walk through them. */
  screenReader: boolean;
  /** What is selected is copied at once. */
  copyOnSelect: boolean;
  cursorBlink: boolean;
  /** A flash of the edge when the bell rings; the mark on the tab is always there. */
  visualBell: boolean;
  /** Tab moves the focus out of the terminal. Never kept: it would surprise tomorrow. */
  tabMovesFocus: boolean;
}

export const FONT_SIZE = { normal: 13, least: 8, most: 32 } as const;

const DEFAULTS: TerminalSettings = {
  fontSize: FONT_SIZE.normal,
  screenReader: false,
  copyOnSelect: false,
  cursorBlink: true,
  visualBell: true,
  tabMovesFocus: false,
};

export const useTerminalSettings = create<TerminalSettings>()(
  persist(() => DEFAULTS, {
    name: "mosaic-terminal",
    partialize: ({ tabMovesFocus: _, ...kept }) => kept,
    merge: (kept, current) => ({ ...current, ...clean(kept) }),
  }),
);

/** Only values of the right kind: another version of the page, or somebody's hand, may have written them. */
function clean(kept: unknown): Partial<TerminalSettings> {
  const found = typeof kept === "object" && kept !== null ? (kept as Record<string, unknown>) : {};
  const good = Object.entries(DEFAULTS).filter(([key, value]) => typeof found[key] === typeof value);
  const settings = Object.fromEntries(good.map(([key]) => [key, found[key]])) as Partial<TerminalSettings>;
  return settings.fontSize === undefined ? settings : { ...settings, fontSize: clampFont(settings.fontSize) };
}

function clampFont(size: number): number {
  return Math.min(FONT_SIZE.most, Math.max(FONT_SIZE.least, Math.round(size)));
}

export function changeFontSize(by: number | "normal"): void {
  useTerminalSettings.setState(({ fontSize }) => ({
    fontSize: by === "normal" ? FONT_SIZE.normal : clampFont(fontSize + by),
  }));
}

export function changeSettings(change: Partial<TerminalSettings>): void {
  useTerminalSettings.setState(change);
}
