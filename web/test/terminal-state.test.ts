// Who holds a terminal, which size it has, the tabs, and the words about its end.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  Exit_Reason,
  Terminal_State,
  TerminalSchema,
} from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { Claims, type Word } from "../src/terminal/claims.ts";
import { type Size, Sizing } from "../src/terminal/size.ts";
import * as tabs from "../src/terminal/tabs.ts";
import { bytesWords, commandLine, ending, isShell, sentence, spanWords } from "../src/terminal/words.ts";

/** Pages of one browser, each hearing what the others post. */
function pages(count: number) {
  let clock = 0;
  const all: Claims[] = [];
  for (let index = 0; index < count; index++) {
    const post = (word: Word) => {
      for (const [other, claims] of all.entries()) {
        if (other !== index) {
          claims.hear(word);
        }
      }
    };
    all.push(new Claims(post, () => ++clock));
  }
  return all;
}

test("the view that typed last holds the terminal, and only that one", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2), { minLength: 1, maxLength: 30 }), (typed) => {
      const all = pages(3);
      for (const page of typed) {
        all[page]?.take("t", `page-${page}`);
        expect(all.map((claims, index) => claims.holds("t", `page-${index}`)).filter(Boolean).length).toBe(1);
        expect(all[page]?.holds("t", `page-${page}`)).toBe(true);
      }
    }),
  );
});

test("a page that comes later hears who holds what, and a loss is one until somebody types again", () => {
  const words: Word[] = [];
  const first = new Claims(
    (word) => words.push(word),
    () => 1,
  );
  first.take("t", "a");
  words.length = 0;
  first.hear({ kind: "who" });
  expect(words).toEqual([{ kind: "mine", terminalId: "t", holder: "a", at: 1 }]);
  first.lose("t");
  expect(first.holds("t", "a")).toBe(false);
  expect(first.taken("t")).toBe(true);
  first.take("t", "a");
  expect(first.holds("t", "a")).toBe(true);
  first.drop("t", "a");
  expect(first.taken("t")).toBe(false);
});

test("claims have an end", () => {
  const claims = new Claims(
    () => {},
    () => 1,
  );
  for (let index = 0; index < 1000; index++) {
    claims.take(`t-${index}`, "a");
  }
  expect(claims.holds("t-0", "a")).toBe(false);
  expect(claims.holds("t-999", "a")).toBe(true);
});

function sizing() {
  const asked: Size[] = [];
  let shown: Size | undefined;
  const sizes = new Sizing(
    (size) => asked.push(size),
    (size) => {
      shown = size;
    },
  );
  return { asked, sizes, shown: () => shown };
}

const size = (cols: number, rows: number): Size => ({ cols, rows });

test("the holder's place is asked for once, and a viewer's never", () => {
  const { asked, sizes, shown } = sizing();
  sizes.opened(size(80, 24), false);
  sizes.placed(size(120, 40), false);
  expect([asked, shown()]).toEqual([[], size(80, 24)]);
  sizes.settle(true);
  sizes.placed(size(120, 40), true);
  expect([asked, shown()]).toEqual([[size(120, 40)], size(120, 40)]);
  expect(sizes.resized(size(120, 40), true, false)).toBe(false);
  expect(sizes.current.others).toBe(false);
});

test("sizes that were skipped or come late are still this page's own", () => {
  const { asked, sizes } = sizing();
  sizes.opened(size(80, 24), true);
  for (const cols of [90, 100, 110]) {
    sizes.placed(size(cols, 24), true);
  }
  expect(asked.length).toBe(3);
  expect(sizes.resized(size(90, 24), true, false)).toBe(false);
  expect(sizes.resized(size(110, 24), true, false)).toBe(false);
});

test("sizes of the past take nothing from the holder, and are shown to others", () => {
  const holder = sizing();
  holder.sizes.opened(size(114, 13), false);
  holder.sizes.placed(size(52, 33), true);
  expect(holder.sizes.resized(size(196, 44), true, true)).toBe(false);
  expect(holder.sizes.resized(size(114, 13), true, true)).toBe(false);
  expect(holder.sizes.resized(size(52, 33), true, false)).toBe(false);
  expect(holder.shown()).toEqual(size(52, 33));
  const viewer = sizing();
  viewer.sizes.opened(size(114, 13), false);
  viewer.sizes.resized(size(196, 44), false, true);
  expect(viewer.shown()).toEqual(size(196, 44));
});

test("a stream that says the size once more takes nothing from the holder", () => {
  const { asked, sizes, shown } = sizing();
  sizes.opened(size(154, 28), false);
  sizes.placed(size(96, 20), true);
  expect(sizes.resized(size(154, 28), true, false)).toBe(false);
  expect([asked, shown()]).toEqual([[size(96, 20)], size(96, 20)]);
});

test("a size that nobody here asked for is another's", () => {
  const { sizes, shown } = sizing();
  sizes.placed(size(100, 30), true);
  sizes.opened(size(80, 24), true);
  sizes.resized(size(100, 30), true, false);
  expect(sizes.resized(size(70, 20), true, false)).toBe(true);
  expect(shown()).toEqual(size(70, 20));
  sizes.settle(true);
  expect(shown()).toEqual(size(100, 30));
});

test("the server may go back to a forgotten size with the first key, once", () => {
  const { sizes, shown } = sizing();
  sizes.opened(size(88, 12), false);
  sizes.placed(size(120, 11), true);
  expect(sizes.resized(size(120, 12), true, false)).toBe(false);
  expect(shown()).toEqual(size(120, 11));
  expect(sizes.resized(size(88, 12), true, false)).toBe(true);
});

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom("open", "split", "remove", "unsplit"), id: fc.nat(12) }),
  fc.record({ kind: fc.constant("move"), from: fc.nat(8), to: fc.integer({ min: -2, max: 9 }) }),
  fc.record({ kind: fc.constantFrom("step", "pane"), by: fc.constantFrom<1 | -1>(1, -1) }),
);

function apply(
  state: tabs.Tabs,
  what: { kind: string; id?: number; from?: number; to?: number; by?: 1 | -1 },
): tabs.Tabs {
  const id = `t-${what.id}`;
  switch (what.kind) {
    case "open":
      return tabs.open(state, id);
    case "split":
      return tabs.split(state, id);
    case "remove":
      return tabs.remove(state, id);
    case "unsplit":
      return tabs.unsplit(state, id);
    case "move":
      return tabs.move(state, what.from ?? 0, what.to ?? 0);
    case "step":
      return tabs.step(state, what.by ?? 1);
    default:
      return tabs.stepPane(state, what.by ?? 1);
  }
}

test("whatever is done with tabs, each terminal is in one place, something is shown, and a reload keeps it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const state = steps.reduce<tabs.Tabs>(apply, tabs.NO_TABS);
      const all = state.tabs.flatMap((tab) => tab.panes);
      expect(new Set(all).size).toBe(all.length);
      expect(state.tabs.every((tab) => tab.panes.length > 0 && tab.panes[tab.focus] !== undefined)).toBe(
        true,
      );
      expect(state.active).toBe(state.tabs.length === 0 ? -1 : state.active);
      expect(state.tabs.length === 0 || tabs.focused(state) !== undefined).toBe(true);
      expect(tabs.unflatten(tabs.flatten(state))).toEqual(state);
    }),
  );
});

test("terminals that others added, moved or took away are in tabs all the same", () => {
  const flat = { ids: ["b", "a", "b", "c", "d"], active: "zzz", joined: ["b", "d"], focus: ["d", "x"] };
  expect(tabs.unflatten(flat)).toEqual({
    tabs: [
      { panes: ["b"], focus: 0 },
      { panes: ["a"], focus: 0 },
      { panes: ["c", "d"], focus: 1 },
    ],
    active: 0,
  });
});

test("a restarted terminal takes its place, and a moved tab stays shown", () => {
  let state = ["a", "b", "c"].reduce(tabs.open, tabs.NO_TABS);
  state = tabs.replace(state, "b", "b2");
  expect(state.tabs.map((tab) => tab.panes[0])).toEqual(["a", "b2", "c"]);
  state = tabs.move(state, 2, 0);
  expect([tabs.focused(state), state.active]).toEqual(["c", 0]);
  expect(tabs.focused(tabs.remove(state, "c"))).toBe("a");
});

function ended(exit: { reason: Exit_Reason; code?: number; signal?: number; signalName?: string }) {
  const terminal = create(TerminalSchema, {
    state: Terminal_State.EXITED,
    createTime: timestampFromMs(0),
    endTime: timestampFromMs(180_000),
    exit,
  });
  return ending(terminal);
}

test("an end is said plainly", () => {
  expect(ended({ reason: Exit_Reason.EXITED, code: 1 })).toMatchObject({
    text: "Exited with code 1 after 3 min",
    mark: "1",
    tone: "bad",
  });
  expect(ended({ reason: Exit_Reason.EXITED, code: 0 })?.mark).toBe("");
  expect(ended({ reason: Exit_Reason.EXITED, signal: 9, signalName: "SIGKILL" })).toMatchObject({
    text: "Ended by SIGKILL after 3 min",
    mark: "KILL",
  });
  expect(ended({ reason: Exit_Reason.LOST })?.tone).toBe("bad");
  expect(ending(create(TerminalSchema, { state: Terminal_State.RUNNING }))).toBeUndefined();
});

test("spans, sizes and commands are for people", () => {
  expect(sentence("no room; close one", "", "See there.")).toBe("No room; close one. See there.");
  expect(spanWords(400)).toBe("less than a second");
  expect(spanWords(72_000)).toBe("1 min 12 s");
  expect(spanWords(90_061_000)).toBe("1 d 1 h");
  expect(bytesWords(999n)).toBe("999 bytes");
  expect(bytesWords(1_250_000n)).toBe("1.3 MB");
  expect(bytesWords(2n ** 63n)).toMatch(/TB$/);
  expect(commandLine(["sh", "-c", "echo 'a b'"])).toBe("sh -c 'echo '\\''a b'\\'''");
});

test("a shell at its prompt is told from a shell that runs something", () => {
  const shell = (...command: string[]) => isShell(create(TerminalSchema, { command }));
  expect(shell("/bin/bash", "-l")).toBe(true);
  expect(shell("-zsh")).toBe(true);
  expect(shell("/bin/bash", "-lc", "make")).toBe(false);
  expect(shell("bash", "script.sh")).toBe(false);
  expect(shell("vim")).toBe(false);
});
