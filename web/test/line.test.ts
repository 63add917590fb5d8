// One stream that is kept up: when it is opened, and what it takes of the connections. The streams are real ones of the
// test's own making; it must not know what any source carries.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Clients } from "../src/api/clients.ts";
import { Line } from "../src/hub/line.ts";
import { Link } from "../src/hub/link.ts";
import { Places } from "../src/hub/places.ts";
import { type Release, Turns } from "../src/hub/turns.ts";

const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A line whose streams say something at once and then stay; `wants` and `opened` are the test's to set and read. */
function made(places = new Places(3)) {
  const state = { wants: true, opened: 0, open: 0, taken: [] as number[] };
  const context = { clients: {} as Clients, link: new Link(() => {}), places, spare: new Turns(1) };
  const line = new Line<string>(context, {
    wants: () => state.wants,
    open: (signal) => {
      state.opened += 1;
      return state.wants ? stream(signal, state) : undefined;
    },
    take: (message, number) => {
      state.taken.push(number);
      return message === "over" ? "over" : "go on";
    },
    refused: async () => false,
  });
  return { line, state };
}

async function* stream(signal: AbortSignal, state: { open: number }): AsyncGenerator<string> {
  state.open += 1;
  try {
    yield "opened";
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  } finally {
    state.open -= 1;
  }
}

/** Holds places until they are given back by hand. */
async function hold(places: Places, count: number): Promise<Release[]> {
  const held: Release[] = [];
  for (let n = 0; n < count; n++) held.push(await places.take(never, () => {}));
  return held;
}

describe("a line", () => {
  it("that wants nothing opens nothing, takes no place, and does not look again and again", async () => {
    const places = new Places(3);
    const { line, state } = made(places);
    line.refresh();
    await vi.advanceTimersByTimeAsync(50);
    expect([state.opened, state.open]).toEqual([1, 1]);
    state.wants = false;
    line.refresh();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.open).toBe(0);
    expect(state.opened).toBe(2);
    // All three places are free.
    expect(await hold(places, 3)).toHaveLength(3);
    state.wants = true;
    line.refresh();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.opened).toBe(2);
  });

  it("that is changed while it waits for a place waits on, and counts among those that have one", async () => {
    const places = new Places(1);
    const [other] = await hold(places, 1);
    const { line, state } = made(places);
    line.refresh();
    await vi.advanceTimersByTimeAsync(50);
    line.refresh();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(state.opened).toBe(0);
    other?.();
    await vi.advanceTimersByTimeAsync(1_000);
    expect([state.opened, state.open]).toEqual([1, 1]);
    let free = false;
    void places.take(never, () => {}).then(() => (free = true));
    await vi.advanceTimersByTimeAsync(100);
    expect(free).toBe(false);
    line.close();
    await vi.advanceTimersByTimeAsync(100);
    expect(free).toBe(true);
  });

  it("that is changed has one stream after it, the newer one", async () => {
    const { line, state } = made();
    line.refresh();
    await vi.advanceTimersByTimeAsync(50);
    line.refresh();
    line.refresh();
    await vi.advanceTimersByTimeAsync(1_000);
    expect([state.opened, state.open]).toEqual([2, 1]);
    expect(state.taken).toEqual([1, 2]);
  });
});

describe("a turn", () => {
  it("that wakes somebody who goes in the same moment is the next one's", async () => {
    const turns = new Turns(1);
    const release = await turns.take(never);
    const gone = new AbortController();
    const first = turns.take(gone.signal).catch(() => "gone");
    let second = false;
    void turns.take(never).then(() => (second = true));
    await vi.advanceTimersByTimeAsync(0);
    release();
    gone.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(await first).toBe("gone");
    expect(second).toBe(true);
  });
});
