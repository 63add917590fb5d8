// Output: where it may begin, the modes before a cut, the pacing, and xterm's own answers (with the real xterm).
import { Terminal } from "@xterm/xterm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CleanStart } from "../src/terminal/cut.ts";
import { joinModes, NO_MODES, restoreModes, scanModes } from "../src/terminal/modes.ts";
import { Pacer } from "../src/terminal/pacing.ts";
import { Replies } from "../src/terminal/replies.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

function newTerminal() {
  return new Terminal({ cols: 80, rows: 24, allowProposedApi: true });
}

const cut = (data: Uint8Array) => text(new CleanStart().take(data));

test("a cut shows from the first newline or escape on", () => {
  expect(cut(bytes("[31mred\nnext"))).toBe("next");
  expect(cut(bytes("31mred\x1b[0mplain"))).toBe("\x1b[0mplain");
  expect(cut(bytes("\x1b[1mwhole"))).toBe("\x1b[1mwhole");
});

test("a split character is never shown, in however small pieces it comes", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.nat(),
      fc.integer({ min: 1, max: 9 }),
      (before, after, at, size) => {
        const whole = bytes(`${before}\n${after}`);
        const tail = whole.subarray(at % (bytes(before).length + 1));
        const start = new CleanStart();
        const shown: number[] = [];
        for (let from = 0; from < tail.length; from += size) {
          shown.push(...start.take(tail.subarray(from, from + size)));
        }
        const expected = text(tail).includes("\n") || text(tail).includes("\x1b") ? shown : [];
        expect(text(Uint8Array.from(expected))).not.toContain("\ufffd");
        expect(text(whole).endsWith(text(Uint8Array.from(expected)))).toBe(true);
      },
    ),
  );
});

test("without any newline a whole character is good enough, and nothing behind it is lost", () => {
  const long = bytes("ä".repeat(20_000)).subarray(1);
  const start = new CleanStart();
  let shown = "";
  for (let from = 0; from < long.length; from += 1001) {
    shown += text(start.take(long.subarray(from, from + 1001)));
  }
  expect(shown.length).toBeGreaterThan(10_000);
  expect(start.take(bytes("x")).length).toBe(1);
});

test("the last word about a mode counts, and a reset forgets all before it", () => {
  const modes = scanModes(bytes("\x1b[?1049h\x1b[?25;1h\x1b[?25l\x1b=text\x1b[?2004h\x1b[?2004l"));
  expect(restoreModes(modes)).toBe("\x1b[?1049h\x1b[?25l\x1b[?1h\x1b=");
  expect(restoreModes(scanModes(bytes("\x1b[?47h\x1b[?1049l")))).toBe("");
  expect(restoreModes(scanModes(bytes("\x1b[?1049h\x1bc")))).toBe("");
  expect(restoreModes(scanModes(bytes("\x1b[?99999999999999h\x1b[?")))).toBe("");
});

test("scanning pieces backwards gives what scanning the whole gives", () => {
  const word = fc.constantFrom(
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[?1h",
    "\x1b[?1l",
    "\x1b[?25l",
    "\x1b=",
    "\x1b>",
    "\x1bc",
    "x",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.nat(30), (words, at) => {
      const whole = scanModes(bytes(words.join("")));
      const later = scanModes(bytes(words.slice(at).join("")));
      const earlier = scanModes(bytes(words.slice(0, at).join("")));
      const joined = joinModes(joinModes(NO_MODES, earlier), later);
      const sorted = (modes: typeof whole) => restoreModes(modes).split("\x1b").sort().join();
      expect(sorted(joined)).toBe(sorted(whole));
    }),
  );
});

test("pieces go in order, few at a time, and each is done once", () => {
  const given: string[] = [];
  const takes: (() => void)[] = [];
  const pacer = new Pacer((data, taken) => {
    given.push(typeof data === "string" ? data : text(data));
    takes.push(taken);
  });
  let done = 0;
  const part = "abcdefgh".repeat(8192);
  for (let index = 0; index < 8; index++) {
    pacer.push({ data: bytes(part), history: index < 2, done: () => done++ });
  }
  expect(given.join("").length).toBe(128 * 1024);
  expect(pacer.readsHistory).toBe(true);
  for (let index = 0; index < takes.length; index++) {
    takes[index]?.();
    expect(given.join("").length).toBeLessThanOrEqual((index + 1) * 32 * 1024 + 128 * 1024);
    if (index === 4) {
      expect(pacer.readsHistory).toBe(false);
    }
  }
  expect(done).toBe(8);
  expect(pacer.idle).toBe(true);
  expect(given.join("")).toBe(part.repeat(8));
});

test("a stopped pacer shuts no window", () => {
  let done = 0;
  const pacer = new Pacer(() => {});
  for (let index = 0; index < 20; index++) {
    pacer.push({ data: new Uint8Array(64 * 1024), history: true, done: () => done++ });
  }
  pacer.stop();
  expect(done).toBe(20);
});

/** Everything that a program can ask and xterm answers, found by asking for all there is. */
const QUERIES = [
  "\x1b[c",
  "\x1b[0c",
  "\x1b[>c",
  "\x1b[5n",
  "\x1b[6n",
  "\x1b[?6n",
  "\x1b[?1$p",
  "\x1b[4$p",
  "\x1b[>q",
  "\x1b[18t",
  "\x1b[14t",
  "\x1b[?1004h",
  "\x1bP$qm\x1b\\",
  "\x1bP$qr\x1b\\",
  "\x1b]4;1;?\x07",
  "\x1b]10;?\x07",
  "\x1b]11;?\x1b\\",
  "\x1b]52;c;?\x07",
  "\x1bZ",
];

test("what xterm answers is known as an answer, and what is typed is not", async () => {
  const terminal = newTerminal();
  const replies = new Replies(terminal.parser);
  const answers: string[] = [];
  const typed: string[] = [];
  terminal.onData((data) => (replies.now ? answers : typed).push(data));
  for (const query of QUERIES) {
    await new Promise<void>((done) => terminal.write(`some ${query} text`, done));
    terminal.input("k");
  }
  expect(typed.join("")).toBe("k".repeat(QUERIES.length));
  expect(answers.length).toBeGreaterThanOrEqual(8);
  terminal.dispose();
});

test("no sequence at all makes xterm speak without being noticed", async () => {
  const terminal = newTerminal();
  const replies = new Replies(terminal.parser);
  const unnoticed: string[] = [];
  terminal.onData((data) => replies.now || unnoticed.push(data));
  const letters = Array.from({ length: 63 }, (_, index) => String.fromCharCode(0x40 + index));
  let all = "";
  for (const prefix of ["", "?", ">", "=", "<"]) {
    for (const between of ["", "$", " ", "'", '"', "!"]) {
      for (const final of letters) {
        for (const params of ["", "1", "5", "6", "1004", "18"]) {
          all += `\x1b[${prefix}${params}${between}${final}`;
        }
      }
    }
  }
  for (let code = 0; code < 200; code++) {
    all += `\x1b]${code};?\x07\x1b]${code};1;?\x07`;
  }
  for (const final of letters.filter((letter) => !"[]P^_X\\".includes(letter))) {
    all += `\x1b${final}\x1bP$q${final}\x1b\\\x1bP+q${final}\x1b\\`;
  }
  await new Promise<void>((done) => terminal.write(all, done));
  expect(unnoticed).toEqual([]);
  terminal.dispose();
});

test("an answer belongs to the piece that asked: to history or to now", async () => {
  const terminal = newTerminal();
  const replies = new Replies(terminal.parser);
  const pacer = new Pacer((data, taken) => terminal.write(data, taken));
  const sent: string[] = [];
  terminal.onData((data) => {
    if (!replies.now || !pacer.readsHistory) {
      sent.push(data);
    }
  });
  const finished = new Promise<void>((done) => {
    for (let index = 0; index < 200; index++) {
      const data = bytes(`${"x".repeat(1000)}\x1b[6n`);
      pacer.push({ data, history: index < 100, done: index === 199 ? done : undefined });
    }
  });
  await finished;
  expect(sent.length).toBe(100);
  terminal.dispose();
});
