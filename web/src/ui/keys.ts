// What keys are called on this computer. It must not know what they do.

export function isApple(): boolean {
  return typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.platform);
}

const APPLE: Readonly<Record<string, string>> = { Mod: "⌘", Ctrl: "⌃", Shift: "⇧", Alt: "⌥", Enter: "⏎" };

/** "Mod+Shift+J" as it stands on the keyboard: ["Ctrl", "Shift", "J"], or ["⌘", "⇧", "J"]. */
export function keyNames(keys: string, apple: boolean): string[] {
  return keys
    .split("+")
    .filter((key) => key !== "")
    .map((key) => (apple ? (APPLE[key] ?? key) : key === "Mod" ? "Ctrl" : key));
}
