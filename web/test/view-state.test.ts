// That terminal tabs come and go as people expect, and that what was kept is checked when it is read.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FIRST_VIEW,
  kept,
  restored,
  SIZE_LIMITS,
  TABS_MAX,
  type ViewState,
  withTerminal,
} from "../src/layout/viewState.ts";

const id = (n: number) => `00000000-0000-7000-8000-${n.toString().padStart(12, "0")}`;
const [a, b, c] = [id(1), id(2), id(3)];
const with3: ViewState = { ...FIRST_VIEW, terminalTabs: [a, b, c], activeTerminal: b };

describe("tabs", () => {
  test("a terminal is opened once, and opens the panel", () => {
    expect(withTerminal({ ...with3, panel: "closed" }, c)).toEqual({
      terminalTabs: [a, b, c],
      activeTerminal: c,
      panel: "open",
    });
    expect(withTerminal({ ...with3, panel: "full" }, id(4)).panel).toBe("full");
  });

  test("a terminal that is shown beside another one is found there", () => {
    const split = { ...FIRST_VIEW, terminalTabs: [`${a}+*${b}`], activeTerminal: a };
    expect(withTerminal(split, b)).toEqual({
      terminalTabs: [`${a}+*${b}`],
      activeTerminal: b,
      panel: "open",
    });
  });

  test("there is never more than the most", () => {
    let state = FIRST_VIEW;
    for (let n = 0; n < TABS_MAX + 5; n++) state = { ...state, ...withTerminal(state, id(n)) };
    expect(state.terminalTabs).toHaveLength(TABS_MAX);
    expect(state.terminalTabs.at(-1)).toBe(id(TABS_MAX + 4));
  });
});

describe("kept", () => {
  test("comes back as it was", () => {
    const state: ViewState = {
      ...with3,
      terminalTabs: [a, `${b}+*${c}`],
      conversationId: id(7),
      panel: "full",
      leftPanel: "closed",
      sizes: { left: 200, right: 300, bottom: 400 },
    };
    expect({ ...FIRST_VIEW, ...restored(kept(state)) }).toEqual(state);
  });

  test("nonsense is left out, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        const state = { ...FIRST_VIEW, ...restored(text) };
        expect(state.terminalTabs.length).toBeLessThanOrEqual(TABS_MAX);
        expect(["open", "closed", "full"]).toContain(state.panel);
        for (const name of ["left", "right", "bottom"] as const) {
          expect(state.sizes[name]).toBeGreaterThanOrEqual(SIZE_LIMITS[name][0]);
          expect(state.sizes[name]).toBeLessThanOrEqual(SIZE_LIMITS[name][1]);
        }
      }),
    );
    const bad = restored(
      JSON.stringify({
        conversationId: "<b>",
        terminalTabs: ["x", 3, a, a, `${a}+`, `${a}+<b>`],
        activeTerminal: b,
        panel: "wide",
        sizes: { left: 1e9, right: "2" },
      }),
    );
    expect(bad).toEqual({
      terminalTabs: [a],
      activeTerminal: a,
      sizes: { ...FIRST_VIEW.sizes, left: SIZE_LIMITS.left[1] },
    });
  });
});
