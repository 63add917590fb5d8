// That kept settings are checked when they are read.

import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_SETTINGS, FONT_SIZE_MAX, restoredSettings } from "../src/layout/settingsState.ts";

test("settings come back as they were", () => {
  const set = {
    ...DEFAULT_SETTINGS,
    theme: "nord" as const,
    sendKey: "mod-enter" as const,
    notifyInPage: false,
  };
  expect(restoredSettings(JSON.stringify(set))).toEqual(set);
});

test("nonsense becomes the default", () => {
  expect(restoredSettings(null)).toEqual(DEFAULT_SETTINGS);
  expect(restoredSettings("{")).toEqual(DEFAULT_SETTINGS);
  const read = restoredSettings(
    JSON.stringify({ theme: "pink", terminalFontSize: 900, bell: 1, screenReader: "yes" }),
  );
  expect(read).toEqual({ ...DEFAULT_SETTINGS, terminalFontSize: FONT_SIZE_MAX });
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      expect(Object.keys(restoredSettings(text))).toEqual(Object.keys(DEFAULT_SETTINGS));
    }),
  );
});
