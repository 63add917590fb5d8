// That the palette finds what is meant, and that the state of the connection is said rightly.

import { describe, expect, test } from "vitest";
import { connectionWords } from "../src/layout/connectionWords.ts";
import { score } from "../src/layout/fuzzy.ts";
import { howToTell } from "../src/layout/notify.ts";
import { GROWING, type PaletteItem, sectionsFor } from "../src/layout/paletteItems.ts";

describe("finding", () => {
  const best = (query: string, ...texts: string[]) =>
    texts
      .map((text) => ({ text, fit: score(query, text) }))
      .filter(({ fit }) => fit !== undefined)
      .sort((a, b) => (b.fit ?? 0) - (a.fit ?? 0))
      .map(({ text }) => text);

  test("the beginning of a word is better than its middle, and both than loose letters", () => {
    expect(best("term", "Determine it", "New terminal", "Terminals", "To every room")).toEqual([
      "Terminals",
      "New terminal",
      "Determine it",
      "To every room",
    ]);
  });

  test("all words must be there, in any order", () => {
    expect(best("conv new", "New conversation", "New terminal")).toEqual(["New conversation"]);
    expect(score("xyz", "New terminal")).toBeUndefined();
    expect(score("  ", "anything")).toBeCloseTo(0, 1);
  });
});

describe("sections", () => {
  const item = (label: string, section: string): PaletteItem => ({
    id: label,
    label,
    section,
    run: () => {},
  });
  const many = Array.from({ length: 40 }, (_, at) => item(`talk ${at}`, GROWING.conversations));
  const all = [...many, item("Settings", "Page"), item("Usage", "Go to")];

  test("nothing typed: every command, then a few of what grows and lives", () => {
    const agents = [{ ...item("over", GROWING.agents), ended: true }, item("alive", GROWING.agents)];
    const found = sectionsFor("", [...agents, ...all]);
    expect(found.map(({ value, items }) => [value, items.length])).toEqual([
      ["Go to", 1],
      ["Page", 1],
      [GROWING.agents, 1],
      [GROWING.conversations, 5],
    ]);
    expect(sectionsFor("over", agents)[0]?.items[0]?.label).toBe("over");
  });

  test("something typed: the best section is first, and there is a most", () => {
    expect(sectionsFor("sett", all).map(({ value }) => value)).toEqual(["Page"]);
    expect(sectionsFor("talk", all)[0]?.items.length).toBeLessThan(20);
    expect(sectionsFor("nothing at all", all)).toEqual([]);
  });
});

describe("the connection in words", () => {
  const why = { reason: "UNREACHABLE", code: "unavailable", message: "", retryable: true, metadata: {} };

  test("a short loss has no banner, a long one counts down", () => {
    const lost = { state: "lost" as const, since: 10_000, retryAt: 14_000, why };
    expect(connectionWords(lost, 10_100).banner).toBeUndefined();
    expect(connectionWords(lost, 11_500).banner).toContain("cannot be reached");
    expect(connectionWords(lost, 11_500)).toMatchObject({ label: "Reconnecting in 3 s", retryIn: 3 });
    expect(connectionWords(lost, 15_000)).toMatchObject({ label: "Reconnecting…" });
    expect(connectionWords(lost, 15_000).retryIn).toBeUndefined();
  });

  test("what is read out does not change with the seconds", () => {
    const lost = { state: "lost" as const, since: 0, retryAt: 60_000, why };
    expect(connectionWords(lost, 20_000).banner).toBe(connectionWords(lost, 30_000).banner);
  });
});

describe("telling", () => {
  const about = { jobId: "j", agentId: "a", terminalId: "t" };
  const both = { notifyInPage: true, notifyByBrowser: true };

  test("not of what is looked at", () => {
    expect(howToTell(about, { visible: true, agentId: "a" }, both)).toBe("seen");
    expect(howToTell(about, { visible: true, agentId: "j" }, both)).toBe("seen");
    expect(howToTell(about, { visible: true, terminalIds: ["s", "t"] }, both)).toBe("seen");
    expect(howToTell(about, { visible: true, hasCard: (id) => id === "j" }, both)).toBe("seen");
    expect(howToTell(about, { visible: true, hasCard: () => false, agentId: "b" }, both)).toBe("page");
    expect(howToTell({ jobId: "j", agentId: "a" }, { visible: true, terminalIds: [] }, both)).toBe("page");
  });

  test("by the browser only while the page is not in front, and only as was wished", () => {
    expect(howToTell(about, { visible: true }, both)).toBe("page");
    expect(howToTell(about, { visible: false, agentId: "a" }, both)).toBe("browser");
    expect(howToTell(about, { visible: false }, { notifyInPage: true, notifyByBrowser: false })).toBe("page");
    expect(howToTell(about, { visible: true }, { notifyInPage: false, notifyByBrowser: true })).toBe("not");
  });
});
