// Which theme the page has: the chosen one, or what the system asks for. The colours are in ui/.

import { useMemo, useSyncExternalStore } from "react";
import { TERMINAL_PALETTES, type TerminalPalette, type ThemeChoice, type ThemeName } from "../ui/themes.ts";
import { followSettings, useSettings } from "./settings.ts";

const LIGHT = "(prefers-color-scheme: light)";

export interface Theme {
  /** What the person chose. */
  choice: ThemeChoice;
  /** What it comes to. */
  name: ThemeName;
  /** What terminals are drawn with: xterm's `theme`. */
  terminal: TerminalPalette;
}

export function useTheme(): Theme {
  const choice = useSettings((settings) => settings.theme);
  const light = useSyncExternalStore(subscribeSystem, systemIsLight);
  return useMemo(() => {
    const name = resolve(choice, light);
    return { choice, name, terminal: TERMINAL_PALETTES[name] };
  }, [choice, light]);
}

/** Puts the theme on the page, and keeps it right. Called once, before anything is drawn. */
export function startTheme(): void {
  const apply = () => {
    document.documentElement.dataset.theme = resolve(useSettings.getState().theme, systemIsLight());
  };
  apply();
  followSettings();
  useSettings.subscribe(apply);
  subscribeSystem(apply);
}

function resolve(choice: ThemeChoice, light: boolean): ThemeName {
  if (choice !== "system") return choice;
  return light ? "light" : "dark";
}

function systemIsLight(): boolean {
  return window.matchMedia(LIGHT).matches;
}

function subscribeSystem(changed: () => void): () => void {
  const query = window.matchMedia(LIGHT);
  query.addEventListener("change", changed);
  return () => query.removeEventListener("change", changed);
}
