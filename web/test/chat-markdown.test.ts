// Markdown in pieces: blocks join to the text, stay as they are while it grows, and a half-open end looks whole.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blocksOf, definitionsOf, endsInCode } from "../src/chat/blocks.ts";
import { safeHref } from "../src/chat/links.ts";
import { mended } from "../src/chat/mend.ts";

const line = fc.constantFrom(
  "",
  "",
  "text",
  "# Title",
  "```",
  "```rust",
  "~~~",
  "- item",
  "  more",
  "1. one",
  "    code",
  "| a | b |",
  "|---|---|",
  "> quote",
  "**bo",
  "``",
);
const markdown = fc.array(line, { maxLength: 25 }).map((lines) => lines.join("\n"));

describe("blocks", () => {
  it("join to the text", () => {
    fc.assert(fc.property(markdown, (text) => void expect(blocksOf(text).join("")).toBe(text)));
    fc.assert(fc.property(fc.string(), (text) => void expect(blocksOf(text).join("")).toBe(text)));
  });

  it("stay as they are while the text grows, but for the last one", () => {
    fc.assert(
      fc.property(markdown, markdown, (text, more) => {
        const before = blocksOf(text).slice(0, -1);
        const after = blocksOf(text + more);
        expect(after.slice(0, before.length)).toEqual(before);
      }),
    );
  });

  it("are cut at blank lines, but not in code and lists", () => {
    expect(blocksOf("a\n\nb\n\n```\nx\n\ny\n```\n\nc")).toEqual([
      "a\n\n",
      "b\n\n",
      "```\nx\n\ny\n```\n\n",
      "c",
    ]);
    expect(blocksOf("- a\n\n- b\n\n  more\n\nend")).toEqual(["- a\n\n- b\n\n  more\n\n", "end"]);
    expect(blocksOf("1. a\n\n   ```sh\n   x\n\n   y\n   ```\n\n2. b")).toHaveLength(1);
  });

  it("keep the definitions of links", () => {
    expect(definitionsOf("see [a]\n\n[a]: https://example.org\n")).toBe("[a]: https://example.org");
    expect(definitionsOf("nothing")).toBe("");
    expect(definitionsOf("```\n[a]: x\n```\n[b]: y")).toBe("[b]: y");
  });

  it("know whether what is put behind them would be code", () => {
    expect(endsInCode("```rust\nlet a = x[0];\n")).toBe(true);
    expect(endsInCode("```rust\nlet a = x[0];\n```\n")).toBe(false);
    expect(endsInCode("- a\n\n  ```\n  x[0]")).toBe(true);
  });

  it("are one with footnotes, but not for what only looks like them", () => {
    expect(blocksOf("a[^1]\n\n[^1]: b")).toHaveLength(1);
    expect(blocksOf('a `[^"]`\n\n```\n[^x]: /[^"]/\n```\n\nb')).toHaveLength(3);
  });
});

describe("mended", () => {
  it("never throws, and leaves code alone", () => {
    fc.assert(fc.property(markdown, (text) => void expect(typeof mended(text)).toBe("string")));
    fc.assert(fc.property(fc.string(), (text) => void expect(typeof mended(text)).toBe("string")));
    expect(mended("```rust\nfn **main")).toBe("```rust\nfn **main");
  });

  it.each([
    ["some **bold", "some **bold**"],
    ["some **", "some "],
    ["an *aside", "an *aside*"],
    ["`co", "`co`"],
    ["all **well** and `done`", "all **well** and `done`"],
    ["a [link](https://exam", "a link"],
    ["a [link](https://example.org)", "a [link](https://example.org)"],
    ["a [li", "a li"],
    ["text\n``", "text\n"],
    ["- one\n- ", "- one\n"],
    ["2 * 3", "2 * 3"],
  ])("%j is drawn as %j", (open, whole) => expect(mended(open)).toBe(whole));

  it("draws a table from its first line on", () => {
    expect(mended("| a | b")).toBe("| a | b |\n| --- | --- |");
    expect(mended("| a | b |\n|--")).toBe("| a | b |\n| --- | --- |");
    expect(mended("| a | b |\n|---|---|\n| 1")).toBe("| a | b |\n|---|---|\n| 1");
  });
});

describe("safeHref", () => {
  it.each([
    ["https://example.org/x", "https://example.org/x"],
    ["mailto:a@example.org", "mailto:a@example.org"],
    ["javascript:alert(1)", undefined],
    [" java\nscript:alert(1)", undefined],
    ["data:text/html,x", undefined],
    ["/relative", undefined],
    ["//evil.example", undefined],
    ["", undefined],
  ])("%j becomes %j", (href, safe) => expect(safeHref(href)).toBe(safe));
});
