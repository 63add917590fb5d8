// Reading events and answers, from a page's subscriptions through the hub to a model of the server: each one once
// and in order, through cuts, hubs that die, readers that come late, and logs that no longer reach back.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventSubscription, MessageSubscription } from "../src/hub/subscriptions.ts";
import { ModelLogs } from "./model-logs.ts";
import { chanceOf } from "./model-terminal.ts";
import { Page } from "./page.ts";

/** What a reader got, and where it began. */
interface Got {
  from: number;
  sequences: number[];
  over: string;
}

type Step =
  | { do: "append" | "answer"; count: number; which: number }
  | { do: "read events"; back: number }
  | { do: "read answer"; back: number; which: number }
  | { do: "finish"; which: number }
  | { do: "expire"; keep: number }
  | { do: "leave"; which: number }
  | { do: "cut" | "down" | "up" | "hub dies" }
  | { do: "wait"; ms: number };

const count = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 500, max: 3_000 }));
const which = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("append" as const, "answer" as const), count, which }),
  fc.record({ do: fc.constant("read events" as const), back: count }),
  fc.record({ do: fc.constant("read answer" as const), back: count, which }),
  fc.record({ do: fc.constant("finish" as const), which }),
  fc.record({ do: fc.constant("expire" as const), keep: count }),
  fc.record({ do: fc.constant("leave" as const), which: fc.nat(9) }),
  fc.record({ do: fc.constantFrom("cut" as const, "down" as const, "up" as const, "hub dies" as const) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 60 }) }),
);

class Bench {
  readonly server: ModelLogs;
  readonly page: Page;
  readonly events: Got[] = [];
  readonly answers: { id: string; got: Got }[] = [];

  constructor(seed: number) {
    this.server = new ModelLogs(chanceOf(seed));
    for (let at = 0; at < 4; at++) {
      this.server.answers.set(`answer ${at}`, { oldest: 0, newest: 0, done: false });
    }
    this.page = new Page(() => this.server.clients());
  }

  readEvents(back: number): void {
    const from = Math.max(this.server.events.newest - back, 0);
    const got: Got = { from, sequences: [], over: "" };
    this.events.push(got);
    const reader = {
      event: ({ sequence }: { sequence: bigint }) => void got.sequences.push(Number(sequence)),
      expired: () => {
        got.over = "expired";
      },
      failed: () => {
        got.over = "failed";
      },
    };
    this.page.add((id) => new EventSubscription(id, BigInt(from), reader, this.page.post));
  }

  readAnswer(which: number, back: number): void {
    const id = `answer ${which}`;
    const from = Math.max((this.server.answers.get(id)?.newest ?? 0) - back, 0);
    const got: Got = { from, sequences: [], over: "" };
    this.answers.push({ id, got });
    const reader = {
      event: ({ sequence }: { sequence: bigint }) => void got.sequences.push(Number(sequence)),
      finished: () => {
        got.over += "finished";
      },
      failed: () => {
        got.over += "failed";
      },
    };
    this.page.add((number) => new MessageSubscription(number, id, BigInt(from), reader, this.page.post));
  }

  async act(one: Step): Promise<void> {
    const { server } = this;
    switch (one.do) {
      case "append":
        server.append(server.events, one.count);
        break;
      case "answer":
        this.withAnswer(one.which, (log) => server.append(log, one.count));
        break;
      case "finish":
        this.withAnswer(one.which, (log) => server.finish(log));
        break;
      case "read events":
        this.readEvents(one.back);
        break;
      case "read answer":
        this.readAnswer(one.which, one.back);
        break;
      case "expire":
        server.events.oldest = Math.max(server.events.oldest, server.events.newest - one.keep);
        break;
      case "leave":
        this.page.leave(this.page.subscriptions[one.which]);
        break;
      case "wait":
        await vi.advanceTimersByTimeAsync(one.ms);
        break;
      case "hub dies":
        this.page.meet();
        break;
      default:
        server.down = one.do === "down";
        server.cut();
    }
  }

  async settle(): Promise<void> {
    this.server.down = false;
    this.server.append(this.server.events, 1);
    for (const log of this.server.answers.values()) {
      this.server.finish(log);
    }
    await vi.advanceTimersByTimeAsync(120_000);
  }

  check(): void {
    const { server } = this;
    const all = [
      ...this.events.map((got) => ({ got, newest: server.events.newest })),
      ...this.answers.map(({ id, got }) => ({ got, newest: server.answers.get(id)?.newest ?? 0 })),
    ];
    for (const [at, { got, newest }] of all.entries()) {
      expect(got.sequences).toEqual(got.sequences.map((_, place) => got.from + 1 + place));
      const left = this.left.has(at) || got.over === "expired";
      if (!left) {
        expect(got.from + got.sequences.length).toBe(Math.max(newest, got.from));
      }
    }
    for (const { got } of this.answers) {
      expect(["", "finished"]).toContain(got.over);
    }
    expect(server.mostStreams).toBeLessThanOrEqual(4);
  }

  /** Readers that left, by their place among all: events' first. */
  private get left(): Set<number> {
    const places = new Set<number>();
    let event = 0;
    let answer = this.events.length;
    for (const subscription of this.page.subscriptions) {
      const place = subscription instanceof EventSubscription ? event++ : answer++;
      if (subscription.over) {
        const got = [...this.events, ...this.answers.map(({ got }) => got)][place];
        if (got?.over === "") {
          places.add(place);
        }
      }
    }
    return places;
  }

  private withAnswer(
    at: number,
    use: (log: { oldest: number; newest: number; done: boolean }) => void,
  ): void {
    const log = this.server.answers.get(`answer ${at}`);
    if (log) {
      use(log);
    }
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("reading events and answers", () => {
  it("brings each one once and in order to every reader, whatever breaks", async () => {
    const steps = fc.array(step, { minLength: 20, maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (todo, seed) => {
        const bench = new Bench(seed);
        for (const one of todo) {
          await bench.act(one);
        }
        await bench.settle();
        try {
          bench.check();
        } finally {
          bench.page.close();
        }
      }),
      { numRuns: 80 },
    );
  }, 300_000);

  it("says that a cursor is no longer kept, and then nothing", async () => {
    const bench = new Bench(1);
    bench.server.append(bench.server.events, 100);
    bench.server.events.oldest = 50;
    bench.readEvents(90);
    await vi.advanceTimersByTimeAsync(30_000);
    bench.server.append(bench.server.events, 1);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(bench.events).toEqual([{ from: 10, sequences: [], over: "expired" }]);
    bench.readEvents(5);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(bench.events[1]?.sequences).toEqual([97, 98, 99, 100, 101]);
    bench.page.close();
  });

  it("keeps no stream for answers that are finished", async () => {
    const bench = new Bench(2);
    bench.readAnswer(0, 0);
    bench.readAnswer(1, 0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(bench.server.streams).toBe(1);
    await bench.settle();
    expect(bench.answers.map(({ got }) => got.over)).toEqual(["finished", "finished"]);
    expect(bench.server.streams).toBe(0);
    bench.page.close();
  });
});
