// Checks that a log reads the same whatever it is split at, and stays bounded.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogText } from "../src/agents/log-text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function read(text: string): string {
  const log = new LogText();
  log.push(bytes(text));
  return log.text;
}

describe("a log's text", () => {
  it("has no escape sequences", () => {
    expect(read("\x1b[1;31mred\x1b[0m\r\nnext")).toBe("red\nnext");
    expect(read("\x1b]0;title\x07after")).toBe("after");
    expect(read("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\")).toBe("link");
    expect(read("\x1b(Bplain\x1b=")).toBe("plain");
    expect(read("a\x1bPq#0\x1b\\b")).toBe("ab");
  });

  it("lets a carriage return begin the line anew, as progress bars do", () => {
    expect(read("10%\r20%\r100%\ndone\n")).toBe("100%\ndone");
    expect(read("kept\r\n")).toBe("kept");
    expect(read("abc\b\bd")).toBe("ad");
  });

  it("is the same whatever it is split at", () => {
    const piece = fc.constantFrom(
      "a",
      "é",
      "漢",
      "😀",
      "\n",
      "\r",
      "\r\n",
      "\x1b[31m",
      "\x1b]0;t\x07",
      "\t",
      "\x1b[K",
      "word ",
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.array(fc.nat(200), { maxLength: 8 }),
        (pieces, cuts) => {
          const whole = bytes(pieces.join(""));
          const split = new LogText();
          let from = 0;
          for (const cut of cuts.map((at) => Math.min(at, whole.length)).sort((a, b) => a - b)) {
            split.push(whole.subarray(from, cut));
            from = cut;
          }
          split.push(whole.subarray(from));
          expect(split.text).toBe(read(pieces.join("")));
        },
      ),
    );
  });

  it("stays bounded", () => {
    const log = new LogText(100);
    for (let line = 0; line < 1000; line += 1) {
      log.push(bytes(`${line}\n`));
    }
    expect(log.lineCount).toBeLessThanOrEqual(125);
    expect(log.dropped).toBe(true);
    expect(log.text.endsWith("\n999")).toBe(true);
    const long = new LogText();
    long.push(bytes("x".repeat(100_000)));
    expect(long.text.length).toBe(4096);
  });

  it("says where something is missing", () => {
    const log = new LogText();
    log.push(bytes("half \x1b["));
    log.gap("[12 bytes are not kept]");
    log.push(bytes("next"));
    expect(log.text).toBe("half \n[12 bytes are not kept]\nnext");
  });
});
