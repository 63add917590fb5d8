// A reading from the hub to the screen: cuts, modes, gaps, windows. The hub is a script, xterm is real.
import { create } from "@bufbuild/protobuf";
import { Terminal as Xterm } from "@xterm/xterm";
import { expect, test } from "vitest";
import {
  GapSchema,
  TerminalEventSchema,
  TerminalSchema,
} from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Hub, TerminalReader } from "../src/hub/hub.ts";
import { earlierOf, earlierStart, modesBefore } from "../src/terminal/older.ts";
import { Reading } from "../src/terminal/reading.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A reading of a log whose bytes before `offset` are `before`; the test says what the hub gives. */
function reading(before = "") {
  const xterm = new Xterm({ cols: 40, rows: 10, allowProposedApi: true });
  let reader: TerminalReader | undefined;
  let left = false;
  const hub = {
    terminal: (_: string, __: unknown, given: TerminalReader) => {
      reader = given;
      return () => {
        left = true;
      };
    },
  } as unknown as Hub;
  const seen = { caughtUp: 0, printed: 0, done: 0 };
  const sizes: string[] = [];
  const rowAt = () => xterm.buffer.active.cursorX;
  const it = new Reading(
    hub,
    "t",
    { tailBytes: 10n },
    {
      sink: (data, taken) => xterm.write(data, taken),
      read: async (offset, length) => encode(before).subarray(Number(offset), Number(offset) + length),
      opened: () => {},
      caughtUp: () => seen.caughtUp++,
      printed: () => seen.printed++,
      event: ({ event }, past) => {
        if (event.case === "resized") {
          sizes.push(`${event.value.cols} ${past ? "past" : "now"} after ${rowAt()}`);
        }
      },
      failed: () => {},
    },
  );
  const terminal = (outputStart = 0n) => create(TerminalSchema, { cols: 40, rows: 10, outputStart });
  let at = 0n;
  return {
    xterm,
    seen,
    sizes,
    resize: (cols: number) =>
      reader?.event(
        create(TerminalEventSchema, { event: { case: "resized", value: { cols, rows: 10, offset: at } } }),
      ),
    it,
    left: () => left,
    open: (offset: bigint, outputEnd: bigint, outputStart = 0n) => {
      at = offset;
      reader?.opened({ offset, outputEnd, terminal: terminal(outputStart), others: 0 });
    },
    print: (text: string, history = false) => {
      const data = encode(text);
      reader?.output({ offset: at, data, history, done: () => seen.done++ });
      at += BigInt(data.length);
    },
    gap: (to: bigint) => {
      reader?.gap(create(GapSchema, { from: at, to }));
      at = to;
    },
    /** When xterm has read all that was given. */
    settled: async () => {
      for (let turn = 0; turn < 50 && !(it.pacer.idle && turn > 5); turn++) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    lines: () =>
      Array.from({ length: 10 }, (_, y) => xterm.buffer.active.getLine(y)?.translateToString(true) ?? "")
        .join("\n")
        .trimEnd(),
  };
}

test("from the beginning nothing is left out, and the end of history is told once", async () => {
  const { open, print, settled, lines, seen } = reading();
  open(0n, 10n);
  print("hello", true);
  print("world", true);
  await settled();
  print("!");
  await settled();
  expect(lines()).toBe("helloworld!");
  expect(seen).toEqual({ caughtUp: 1, printed: 1, done: 3 });
});

test("a size comes between the output before it and the output after it; those of the past are told from those of now", async () => {
  const { open, print, resize, settled, sizes } = reading();
  open(0n, 6n);
  print("abc", true);
  resize(90);
  print("def", true);
  resize(91);
  await settled();
  resize(92);
  print("ghi");
  resize(93);
  resize(92);
  await settled();
  expect(sizes).toEqual([
    "90 past after 3",
    "91 past after 6",
    "92 past after 6",
    "93 now after 9",
    "92 now after 9",
  ]);
  resize(93);
  await settled();
  expect(sizes.at(-1)).toBe("93 past after 9");
});

test("an empty terminal has caught up at once", async () => {
  const { open, settled, seen } = reading();
  open(0n, 0n);
  await settled();
  expect(seen.caughtUp).toBe(1);
});

test("in the middle of vim: the alternate screen is back before its output", async () => {
  const before = "\x1b[?1049h\x1b[?1h and much more text";
  const { open, print, settled, lines, xterm, seen } = reading(before);
  const offset = BigInt(before.length);
  open(offset, offset + 12n);
  print("\x1b[1", true);
  print("mx\r\nclean", true);
  await settled();
  expect(xterm.buffer.active.type).toBe("alternate");
  expect(xterm.modes.applicationCursorKeysMode).toBe(true);
  expect(lines()).toBe("x\nclean");
  expect(seen).toEqual({ caughtUp: 1, printed: 0, done: 2 });
});

test("a gap is a line, and what was cut by it does not spill", async () => {
  const { open, print, gap, settled, lines } = reading();
  open(0n, 8n);
  print("one\x1b]0;tit", true);
  gap(1_500_000n);
  print("le\x07half\r\ntwo");
  await settled();
  expect(lines()).toContain("1.5 MB of output are no longer kept");
  expect(lines()).toContain("two");
  expect(lines()).not.toContain("half");
});

test("a reading that stops leaves the hub and holds no window shut", async () => {
  const { open, print, it, left, seen, settled } = reading("x".repeat(100));
  open(50n, 80n);
  print("waits for the modes", true);
  it.stop();
  print("comes too late", true);
  await settled();
  expect(left()).toBe(true);
  expect(seen).toEqual({ caughtUp: 0, printed: 0, done: 2 });
});

test("modes are looked for backwards, within limits, and a failure costs nothing but them", async () => {
  const asked: [bigint, number][] = [];
  const big = 10n * 1024n * 1024n;
  const read = async (offset: bigint, length: number) => {
    asked.push([offset, length]);
    return offset < big - 600_000n ? encode("\x1b[?1049h\x1b[?25l") : encode("\x1b[?25h");
  };
  expect(await modesBefore(read, 0n, big)).toBe("\x1b[?1049h");
  expect(asked.length).toBeLessThan(5);
  asked.length = 0;
  const nothing = async (offset: bigint, length: number) => {
    asked.push([offset, length]);
    return encode("x");
  };
  await modesBefore(nothing, 0n, big);
  expect(asked.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(2.1 * 1024 * 1024);
  expect(await modesBefore(() => Promise.reject(new Error("gone")), 0n, big)).toBe("");
});

test("older output comes in growing steps, to a limit, and says why it stops", () => {
  const megabyte = 1024n * 1024n;
  expect(earlierStart(9n * megabyte, 10n * megabyte, 0n)).toBe(6n * megabyte);
  expect(earlierStart(20n * megabyte, 28n * megabyte, 0n)).toBeUndefined();
  expect(earlierStart(5n, 10n, 5n)).toBeUndefined();
  const of = (start: bigint, outputStart: bigint, full = false, longest = false) =>
    earlierOf({ start, next: 28n * megabyte, outputStart, full, longest });
  expect(of(27n * megabyte, 0n)).toBe("more");
  expect(of(20n * megabyte, 0n)).toBe("limit");
  expect(of(20n * megabyte, 20n * megabyte)).toBe("gone");
  expect(of(0n, 0n)).toBe("none");
  expect(of(0n, 0n, true)).toBe("more");
  expect(of(0n, 0n, true, true)).toBe("limit");
});
