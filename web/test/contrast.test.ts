// That every text colour of every theme reads on every background of it (WCAG 2.2, 1.4.3: 4.5:1), and that the focus
// ring is seen (1.4.11: 3:1). Reads the token table itself.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { TERMINAL_PALETTES, THEME_NAMES } from "../src/ui/themes.ts";

const css = readFileSync(fileURLToPath(new URL("../src/ui/tokens.css", import.meta.url)), "utf8");

function colours(theme: string): Map<string, string> {
  const block = css.match(new RegExp(`\\[data-theme="${theme}"\\] \\{([^}]*--bg:[^}]*)\\}`))?.[1] ?? "";
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1] ?? "", m[2] ?? ""]));
}

function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const TEXTS = ["text", "text-dim", "accent", "good", "bad", "warn"];
const BACKS = ["bg", "bg-raised", "bg-inset", "bg-hover", "bg-selected"];
const CODE = ["keyword", "string", "number", "comment", "function", "type"].map((name) => `code-${name}`);

function pairs(): [string, string][] {
  const found = TEXTS.flatMap((text) => BACKS.map((back): [string, string] => [text, back]));
  for (const code of CODE) for (const back of ["bg", "bg-raised", "bg-inset"]) found.push([code, back]);
  // A tint carries its own tone, plain and dim text; a filled control carries accent-text.
  for (const tone of ["accent", "good", "bad", "warn"]) {
    for (const text of ["text", "text-dim", tone]) found.push([text, `${tone}-soft`]);
    found.push(["accent-text", tone]);
  }
  return found;
}

describe.each(THEME_NAMES)("%s", (theme) => {
  const table = colours(theme);
  const of = (name: string) => {
    const value = table.get(name);
    if (value === undefined) throw new Error(`${theme} has no --${name}`);
    return value;
  };

  test("text reads on every background", () => {
    const dim = pairs()
      .map(([text, back]) => ({ pair: `${text} on ${back}`, ratio: contrast(of(text), of(back)) }))
      .filter(({ ratio }) => ratio < 4.5);
    expect(dim).toEqual([]);
  });

  test("the focus ring is seen on every background", () => {
    const dim = BACKS.filter((back) => contrast(of("focus"), of(back)) < 3);
    expect(dim).toEqual([]);
  });

  test("has the same colours as the others", () => {
    expect([...table.keys()]).toEqual([...colours("dark").keys()]);
  });

  test("its terminals have all colours", () => {
    for (const value of Object.values(TERMINAL_PALETTES[theme])) expect(value).toMatch(/^#[0-9a-f]{6}$/);
  });
});
