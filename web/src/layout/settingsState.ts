// What a person may set, what is right if they did not, and what is taken of what was kept. It must not know React or
// the browser.

import { isThemeChoice, type ThemeChoice } from "../ui/themes.ts";

export interface Settings {
  theme: ThemeChoice;
  /** Pixels. */
  terminalFontSize: number;
  /** What a bell does besides marking the tab. */
  bell: "none" | "flash" | "sound";
  /** The terminal's text for screen readers; costs speed. */
  screenReader: boolean;
  /** What sends a message; the other one makes a new line. */
  sendKey: "enter" | "mod-enter";
  notifyInPage: boolean;
  /** Needs the browser's permission too. */
  notifyByBrowser: boolean;
}

export const FONT_SIZE_MIN = 8;
export const FONT_SIZE_MAX = 32;

export const DEFAULT_SETTINGS: Settings = {
  theme: "system",
  terminalFontSize: 13,
  bell: "flash",
  screenReader: false,
  sendKey: "enter",
  notifyInPage: true,
  notifyByBrowser: false,
};

export function clampFontSize(size: number): number {
  return Math.max(FONT_SIZE_MIN, Math.min(FONT_SIZE_MAX, Math.round(size)));
}

/** Reads settings back; whatever is not as it should be gets its default. */
export function restoredSettings(text: string | null): Settings {
  let data: unknown;
  try {
    data = JSON.parse(text ?? "{}");
  } catch {
    data = undefined;
  }
  const of = (name: keyof Settings): unknown =>
    typeof data === "object" && data !== null ? Reflect.get(data, name) : undefined;
  const settings = { ...DEFAULT_SETTINGS };
  const [theme, size, bell, sendKey] = [of("theme"), of("terminalFontSize"), of("bell"), of("sendKey")];
  if (isThemeChoice(theme)) settings.theme = theme;
  if (typeof size === "number" && Number.isFinite(size)) settings.terminalFontSize = clampFontSize(size);
  if (bell === "none" || bell === "flash" || bell === "sound") settings.bell = bell;
  if (sendKey === "enter" || sendKey === "mod-enter") settings.sendKey = sendKey;
  for (const name of ["screenReader", "notifyInPage", "notifyByBrowser"] as const) {
    const value = of(name);
    if (typeof value === "boolean") settings[name] = value;
  }
  return settings;
}
