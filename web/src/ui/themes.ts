// The names of the themes and what terminals are drawn with in each; the page's own colours are in tokens.css.
// It must not know which theme is chosen.

export type ThemeName = "dark" | "light" | "nord" | "dracula" | "solarized";
export type ThemeChoice = ThemeName | "system";

/** The colours of a terminal, in the shape that xterm takes. */
export interface TerminalPalette {
  foreground: string;
  background: string;
  cursor: string;
  cursorAccent: string;
  selectionBackground: string;
  black: string;
  red: string;
  green: string;
  yellow: string;
  blue: string;
  magenta: string;
  cyan: string;
  white: string;
  brightBlack: string;
  brightRed: string;
  brightGreen: string;
  brightYellow: string;
  brightBlue: string;
  brightMagenta: string;
  brightCyan: string;
  brightWhite: string;
}

export const THEME_NAMES: readonly ThemeName[] = ["dark", "light", "nord", "dracula", "solarized"];

export const THEME_LABELS: Readonly<Record<ThemeChoice, string>> = {
  system: "As the system",
  dark: "Dark",
  light: "Light",
  nord: "Nord",
  dracula: "Dracula",
  solarized: "Solarized",
};

export function isThemeChoice(value: unknown): value is ThemeChoice {
  return value === "system" || THEME_NAMES.some((name) => name === value);
}

/** The sixteen colours in their usual order, from two strings of eight. */
function sixteen(normal: string, bright: string) {
  const [black = "", red = "", green = "", yellow = "", blue = "", magenta = "", cyan = "", white = ""] =
    normal.split(" ");
  const [
    brightBlack = "",
    brightRed = "",
    brightGreen = "",
    brightYellow = "",
    brightBlue = "",
    brightMagenta = "",
    brightCyan = "",
    brightWhite = "",
  ] = bright.split(" ");
  return {
    black,
    red,
    green,
    yellow,
    blue,
    magenta,
    cyan,
    white,
    brightBlack,
    brightRed,
    brightGreen,
    brightYellow,
    brightBlue,
    brightMagenta,
    brightCyan,
    brightWhite,
  };
}

/** Nord, Dracula and Solarized as their authors publish them; Dark and Light are this page's own. */
export const TERMINAL_PALETTES: Readonly<Record<ThemeName, TerminalPalette>> = {
  dark: {
    foreground: "#d9dce2",
    background: "#0c0d10",
    cursor: "#d9dce2",
    cursorAccent: "#0c0d10",
    selectionBackground: "#33466b",
    ...sixteen(
      "#23262c #f2706b #5fc28b #dfb057 #6f9ef2 #c18af0 #56bcc6 #c9cdd4",
      "#6d7582 #ff918c #83dba8 #f3cb7d #97bbff #d7acff #7fd8e0 #ffffff",
    ),
  },
  light: {
    foreground: "#24282f",
    background: "#ffffff",
    cursor: "#24282f",
    cursorAccent: "#ffffff",
    selectionBackground: "#c6d7fb",
    ...sixteen(
      "#24282f #b8302f #1a7143 #855600 #2459cc #8032b8 #0d6674 #dfe2e7",
      "#68707c #d1403e #22884f #9c6a0a #3b70e4 #974bd0 #147d8d #ffffff",
    ),
  },
  nord: {
    foreground: "#d8dee9",
    background: "#2e3440",
    cursor: "#d8dee9",
    cursorAccent: "#2e3440",
    selectionBackground: "#434c5e",
    ...sixteen(
      "#3b4252 #bf616a #a3be8c #ebcb8b #81a1c1 #b48ead #88c0d0 #e5e9f0",
      "#4c566a #bf616a #a3be8c #ebcb8b #81a1c1 #b48ead #8fbcbb #eceff4",
    ),
  },
  dracula: {
    foreground: "#f8f8f2",
    background: "#282a36",
    cursor: "#f8f8f2",
    cursorAccent: "#282a36",
    selectionBackground: "#44475a",
    ...sixteen(
      "#21222c #ff5555 #50fa7b #f1fa8c #bd93f9 #ff79c6 #8be9fd #f8f8f2",
      "#6272a4 #ff6e6e #69ff94 #ffffa5 #d6acff #ff92df #a4ffff #ffffff",
    ),
  },
  solarized: {
    foreground: "#839496",
    background: "#002b36",
    cursor: "#839496",
    cursorAccent: "#002b36",
    selectionBackground: "#073642",
    ...sixteen(
      "#073642 #dc322f #859900 #b58900 #268bd2 #d33682 #2aa198 #eee8d5",
      "#002b36 #cb4b16 #586e75 #657b83 #839496 #6c71c4 #93a1a1 #fdf6e3",
    ),
  },
};
