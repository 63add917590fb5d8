// What goes into a terminal when something of it is given up: a queue as the hub has it, under a paste and keys.

import type { Terminal as Xterm } from "@xterm/xterm";
import { expect, test, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { type Failure, failure } from "../src/api/failure.ts";
import type { Hub, Typing } from "../src/hub/hub.ts";
import { InputQueue } from "../src/hub/input.ts";
import { Cell } from "../src/hub/readable.ts";
import { INITIAL, type SessionState } from "../src/terminal/session-state.ts";
import { Typist } from "../src/terminal/typist.ts";

const forgotten = failure("WRITER_UNKNOWN", "failed_precondition", "this writer is not known");
const lost = failure("UNREACHABLE", "unavailable", "cut", true);

/** As much of xterm as typing needs: it says what a person typed. */
function fakeXterm() {
  const nothing = { dispose: () => {} };
  let typed: (data: string) => void = () => {};
  const register = () => nothing;
  const term = {
    parser: {
      registerCsiHandler: register,
      registerDcsHandler: register,
      registerOscHandler: register,
      registerEscHandler: register,
    },
    onData: (listener: (data: string) => void) => {
      typed = listener;
      return nothing;
    },
    onBinary: register,
    onKey: register,
    modes: { bracketedPasteMode: true },
    scrollToBottom: () => {},
  };
  return { term: term as unknown as Xterm, type: (data: string) => typed(data) };
}

/** `fate` says what becomes of the next call; undefined: it is taken. */
function typing() {
  const accepted: string[] = [];
  const fate: { next: Failure | undefined } = { next: undefined };
  const cell = new Cell<Typing>({ pendingBytes: 0 });
  const queue: InputQueue = new InputQueue({
    write: async ({ data }) => {
      await Promise.resolve();
      const why = fate.next;
      if (why) {
        fate.next = why === forgotten ? undefined : why;
        throw why;
      }
      accepted.push(new TextDecoder().decode(data));
    },
    newWriter: () => "w",
    pause: () => new Promise((resolve) => setTimeout(resolve)),
    changed: () => cell.set(queue.state),
  });
  const hub = { type: (_: string, data: Uint8Array) => queue.push(data), typing: () => cell };
  const { term, type } = fakeXterm();
  const state = createStore<SessionState>(() => INITIAL);
  const typist = new Typist(hub as unknown as Hub, "t", term, state, {
    holds: () => true,
    take: () => {},
    readsHistory: () => false,
    desk: () => undefined,
  });
  return { accepted, fate, queue, state, typist, type };
}

test("what is left of a paste is not typed where a piece of it was given up, and that is said until it is read", async () => {
  const { accepted, fate, queue, state, typist, type } = typing();
  fate.next = lost;
  await typist.paste("x".repeat(900_000));
  await vi.waitFor(() => expect(state.getState().typingProblem?.reason).toBe("UNREACHABLE"));
  fate.next = forgotten;
  await vi.waitFor(() => expect(state.getState().notTaken?.reason).toBe("TYPING_UNCLEAR"));
  type("k");
  await vi.waitFor(() => expect([queue.idle, accepted.join("")]).toEqual([true, "\x1b[201~k"]));
  expect(state.getState().notTaken?.reason).toBe("TYPING_UNCLEAR");

  typist.dismiss();
  await typist.paste("again");
  await vi.waitFor(() => expect(accepted.at(-1)).toBe("\x1b[200~again\x1b[201~"));
  expect(state.getState().notTaken).toBeUndefined();
});
