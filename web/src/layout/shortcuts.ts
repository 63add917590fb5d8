// Which keys are the page's, and which belong to what has the focus. It must not know the commands or the browser.

/** What it needs of a KeyboardEvent. */
export interface Keys {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** What has the focus. */
export type Focus = "terminal" | "text" | "dialog" | "page";

/**
 * True if the page may take these keys. A terminal leaves it Cmd chords (on Apple's computers) and Ctrl+Shift chords
 * only, since everything else means something to programs; text and dialogs leave it chords with Ctrl or Cmd, and text the function keys.
 */
export function mayTake(keys: Keys, focus: Focus, apple: boolean): boolean {
  if (focus === "page") return true;
  const command = apple && keys.metaKey && !keys.ctrlKey;
  if (focus === "terminal")
    return command || (keys.ctrlKey && keys.shiftKey && !keys.altKey && !keys.metaKey);
  // Function keys type nothing; out of a dialog they would lead nowhere.
  const free = focus === "text" && /^F\d+$/.test(keys.key) && !keys.altKey;
  return command || free || (keys.ctrlKey && !keys.altKey);
}

/** True if the keys are this shortcut, such as "Mod+Shift+J", "F6" or "?". Mod is Cmd on Apple's computers, else Ctrl. */
export function matches(shortcut: string, keys: Keys, apple: boolean): boolean {
  const parts = shortcut.split("+");
  const name = parts.pop() ?? "";
  const wants = (part: string) => parts.includes(part);
  if (keys.metaKey !== (wants("Meta") || (apple && wants("Mod")))) return false;
  if (keys.ctrlKey !== (wants("Ctrl") || (!apple && wants("Mod")))) return false;
  if (keys.altKey !== wants("Alt")) return false;
  // "?" is Shift and another key on many keyboards: what was typed counts, not how.
  const typed = name.length === 1 && !/[a-z0-9]/i.test(name);
  if (!typed && keys.shiftKey !== wants("Shift")) return false;
  return sameKey(name, keys);
}

function sameKey(name: string, keys: Keys): boolean {
  if (keys.key.toLowerCase() === name.toLowerCase()) return true;
  // On a keyboard without Latin letters, or with another one through Shift or Alt: the key's place counts.
  return /^[a-z]$/i.test(name)
    ? !/^[a-z]$/i.test(keys.key) && keys.code === `Key${name.toUpperCase()}`
    : /^[0-9]$/.test(name) && keys.code === `Digit${name}`;
}
