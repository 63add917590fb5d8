// That the page takes only the keys that are its own, above all in a terminal.

import { describe, expect, test } from "vitest";
import { type Keys, matches, mayTake } from "../src/layout/shortcuts.ts";
import { keyNames } from "../src/ui/keys.ts";

function press(chord: string): Keys {
  const parts = chord.split("+");
  const key = parts.pop() ?? "";
  return {
    key,
    code: /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : "",
    ctrlKey: parts.includes("Ctrl"),
    metaKey: parts.includes("Meta"),
    shiftKey: parts.includes("Shift"),
    altKey: parts.includes("Alt"),
  };
}

describe("a focused terminal", () => {
  test("keeps everything that programs know", () => {
    for (const chord of [
      "k",
      "?",
      "Ctrl+k",
      "Ctrl+c",
      "Alt+f",
      "Ctrl+Alt+k",
      "F6",
      "Escape",
      "Tab",
      "Shift+K",
    ])
      expect([chord, mayTake(press(chord), "terminal", false)]).toEqual([chord, false]);
    expect(mayTake(press("Ctrl+k"), "terminal", true)).toBe(false);
    expect(mayTake(press("Meta+k"), "terminal", false)).toBe(false);
    expect(mayTake(press("Ctrl+Shift+Alt+K"), "terminal", false)).toBe(false);
  });

  test("gives Cmd and Ctrl+Shift chords away", () => {
    expect(mayTake(press("Ctrl+Shift+K"), "terminal", false)).toBe(true);
    expect(mayTake(press("Ctrl+Shift+J"), "terminal", true)).toBe(true);
    expect(mayTake(press("Meta+k"), "terminal", true)).toBe(true);
    expect(mayTake(press("Meta+Shift+J"), "terminal", true)).toBe(true);
  });
});

test("text keeps what is typed, and gives chords away", () => {
  expect(mayTake(press("?"), "text", false)).toBe(false);
  expect(mayTake(press("Shift+J"), "text", false)).toBe(false);
  // AltGr is Ctrl+Alt on some keyboards: it types.
  expect(mayTake(press("Ctrl+Alt+q"), "text", false)).toBe(false);
  expect(mayTake(press("Ctrl+k"), "text", false)).toBe(true);
  expect(mayTake(press("Shift+F6"), "text", false)).toBe(true);
  expect(mayTake(press("F6"), "dialog", false)).toBe(false);
  expect(mayTake(press("Meta+k"), "text", true)).toBe(true);
});

describe("a shortcut", () => {
  test("is its keys and no others", () => {
    expect(matches("Mod+K", press("Ctrl+k"), false)).toBe(true);
    expect(matches("Mod+K", press("Meta+k"), true)).toBe(true);
    expect(matches("Mod+K", press("Ctrl+k"), true)).toBe(false);
    expect(matches("Mod+K", press("Ctrl+Shift+K"), false)).toBe(false);
    expect(matches("Ctrl+Shift+K", press("Ctrl+Shift+K"), true)).toBe(true);
    expect(matches("Mod+K", press("Ctrl+j"), false)).toBe(false);
    expect(matches("F6", press("F6"), false)).toBe(true);
    expect(matches("F6", press("Shift+F6"), false)).toBe(false);
  });

  test("is found on other keyboards", () => {
    // A question mark needs Shift on most, and does not on some.
    expect(matches("?", press("Shift+?"), false)).toBe(true);
    expect(matches("?", press("?"), false)).toBe(true);
    expect(matches("Mod+K", { ...press("Ctrl+k"), key: "л" }, false)).toBe(true);
    // On Dvorak the key where QWERTY has K types T: T counts.
    expect(matches("Mod+K", { ...press("Ctrl+t"), code: "KeyK" }, false)).toBe(false);
  });
});

test("keys are called as on the keyboard", () => {
  expect(keyNames("Mod+Shift+J", false)).toEqual(["Ctrl", "Shift", "J"]);
  expect(keyNames("Mod+Shift+J", true)).toEqual(["⌘", "⇧", "J"]);
});
