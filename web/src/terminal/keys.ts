// What a key row on a phone sends, and which chords a terminal has for itself. It must not know xterm or React.

export type RowKey = "esc" | "tab" | "up" | "down" | "left" | "right" | "home" | "end" | "pgup" | "pgdn";

/** What the key sends, as xterm would; `application` is DECCKM, which vim and less switch on. */
export function rowKey(key: RowKey, application: boolean): string {
  const cursor = application ? "\x1bO" : "\x1b[";
  switch (key) {
    case "esc":
      return "\x1b";
    case "tab":
      return "\t";
    case "up":
      return `${cursor}A`;
    case "down":
      return `${cursor}B`;
    case "right":
      return `${cursor}C`;
    case "left":
      return `${cursor}D`;
    case "home":
      return `${cursor}H`;
    case "end":
      return `${cursor}F`;
    case "pgup":
      return "\x1b[5~";
    case "pgdn":
      return "\x1b[6~";
  }
}

/** What was typed while Ctrl is held down on the key row: "c" becomes ^C; what has no control key stays. */
export function withControl(data: string): string {
  if (data.length !== 1) {
    return data;
  }
  const code = data.toUpperCase().charCodeAt(0);
  if (code === 0x20) {
    return "\0";
  }
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code - 0x40) : data;
}

/** The parts of a KeyboardEvent that count. */
export interface Chord {
  key: string;
  code: string;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

export type Deed =
  | "copy"
  | "paste"
  | "find"
  | "larger"
  | "smaller"
  | "normal"
  | "tab-moves-focus"
  | "select-all"
  | "top"
  | "bottom"
  | "clear";

/** What a chord does in a focused terminal; undefined if it is the program's, or the page's. */
export function terminalDeed(chord: Chord, mac: boolean): Deed | undefined {
  const { ctrlKey, shiftKey, altKey, metaKey, code } = chord;
  if (altKey) {
    return undefined;
  }
  const cmd = mac && metaKey && !ctrlKey;
  if ((ctrlKey && shiftKey && !metaKey) || cmd) {
    switch (code) {
      case "KeyC":
        return cmd && shiftKey ? undefined : "copy";
      case "KeyV":
        return "paste";
      case "KeyF":
        return "find";
      case "KeyA":
        return cmd && shiftKey ? undefined : "select-all";
      case "Home":
        return "top";
      case "End":
        return "bottom";
      case "Equal":
      case "NumpadAdd":
        return "larger";
      case "Minus":
      case "NumpadSubtract":
        return "smaller";
      case "Digit0":
      case "Numpad0":
        return "normal";
    }
  }
  if (ctrlKey && shiftKey && !metaKey && code === "KeyM") {
    return "tab-moves-focus";
  }
  return cmd && code === "KeyK" && shiftKey ? "clear" : undefined;
}
