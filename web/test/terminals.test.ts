// Reading terminals, from a page's subscription through the hub to a model of the server: each byte once and in
// order, through random chunks, swaps, cuts, slow readers and hubs that die.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TerminalStart } from "../src/hub/hub.ts";
import { TERMINAL_WINDOW_BYTES, type ToHub } from "../src/hub/protocol.ts";
import { HubServer, type Peer } from "../src/hub/server.ts";
import { TerminalSubscription } from "../src/hub/subscriptions.ts";
import { bytes, type Chance, chanceOf, ModelServer } from "./model-terminal.ts";

class Mail {
  private letters: (() => void)[] = [];

  send(letter: () => void): void {
    this.letters.push(letter);
    if (this.letters.length === 1) {
      setTimeout(() => {
        const { letters } = this;
        this.letters = [];
        for (const read of letters) {
          read();
        }
      });
    }
  }
}

/** A page with its subscriptions, and whichever hub there is. */
class Page {
  private hub: HubServer | undefined;
  private numbers = 0;
  private peer: Peer = { post: () => {} };
  /** Messages travel, in order: nobody is called while they speak. */
  private readonly mail = new Mail();
  readonly readers: Reader[] = [];

  constructor(private readonly server: ModelServer) {
    this.meet();
  }

  readonly post = (message: ToHub) => {
    const { hub, peer } = this;
    this.mail.send(() => hub?.take(peer, message));
  };

  /** The hub dies, and another one comes. */
  meet(): void {
    this.hub?.close();
    this.hub = new HubServer(undefined, () => this.server.clients());
    const { mail } = this;
    this.peer = {
      post: (message) => {
        mail.send(() => {
          const found = this.readers.find(
            ({ subscription }) => "id" in message && subscription.id === message.id,
          );
          if (found && !found.subscription.over && "id" in message) {
            found.subscription.take(message);
          }
        });
      },
    };
    this.post({ kind: "hello", token: "t" });
    for (const { subscription } of this.readers) {
      if (!subscription.over) {
        subscription.id = ++this.numbers;
        this.post(subscription.request());
      }
    }
  }

  read(terminalId: string, start: TerminalStart): Reader {
    const reader = new Reader(terminalId, start, ++this.numbers, this.post);
    this.readers.push(reader);
    this.post(reader.subscription.request());
    return reader;
  }

  close(): void {
    this.hub?.close();
  }
}

/** A reader that checks every byte against the log. */
class Reader {
  readonly subscription: TerminalSubscription;
  readonly faults: string[] = [];
  next: bigint | undefined;
  history = 0n;
  historyEnd = 0n;
  gapBytes = 0n;
  exits = 0;
  failed = "";
  underWay = 0;
  mostUnderWay = 0;
  stalled = false;
  private undone: (() => void)[] = [];

  constructor(
    readonly terminalId: string,
    start: TerminalStart,
    id: number,
    post: (message: ToHub) => void,
  ) {
    this.subscription = new TerminalSubscription(
      id,
      terminalId,
      start,
      {
        opened: ({ offset, outputEnd }) => {
          if (this.next !== undefined) {
            this.faults.push(`opened again at ${offset}`);
          }
          this.next = offset;
          this.historyEnd = outputEnd;
        },
        output: (chunk) => this.output(chunk),
        gap: ({ from, to }) => {
          if (from !== this.next) {
            this.faults.push(`a gap at ${from}, not ${this.next}`);
          }
          this.gapBytes += to - from;
          this.next = to;
        },
        event: ({ event }) => {
          this.exits += event.case === "exited" ? 1 : 0;
        },
        failed: ({ reason }) => {
          this.failed = reason;
        },
      },
      post,
    );
  }

  resume(): void {
    this.stalled = false;
    const undone = this.undone;
    this.undone = [];
    for (const done of undone) {
      done();
    }
  }

  private output(chunk: { offset: bigint; data: Uint8Array; history: boolean; done: () => void }): void {
    const { offset, data } = chunk;
    if (offset !== this.next) {
      this.faults.push(`output at ${offset}, not ${this.next}`);
    }
    if (Buffer.compare(data, bytes(Number(offset), Number(offset) + data.length)) !== 0) {
      this.faults.push(`wrong bytes at ${offset}`);
    }
    this.next = offset + BigInt(data.length);
    if (chunk.history !== offset < this.historyEnd || (chunk.history && this.next > this.historyEnd)) {
      this.faults.push(`history is ${chunk.history} at ${offset}, and it ended at ${this.historyEnd}`);
    }
    this.underWay += data.length;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    const done = () => {
      this.underWay -= data.length;
      chunk.done();
    };
    if (this.stalled) {
      this.undone.push(done);
    } else {
      setTimeout(done, 1);
    }
  }
}

type Step =
  | { do: "print"; terminal: number; bytes: number }
  /** Prints a little each millisecond: swaps happen in the middle of it. */
  | { do: "flow"; terminal: number; bytes: number; ms: number }
  | { do: "read"; terminal: number; tail: number }
  | { do: "leave"; reader: number }
  | { do: "stall" | "resume"; reader: number }
  | { do: "trim"; terminal: number; keep: number }
  | { do: "cut" | "down" | "up" | "hub dies" }
  | { do: "wait"; ms: number };

const names = ["a", "b", "c"];
const terminal = fc.nat(names.length - 1);
const reader = fc.nat(11);
const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1_000, max: 90_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 300_000, max: 1_500_000 }) },
);
const flow = { bytes: fc.integer({ min: 1, max: 3_000 }), ms: fc.integer({ min: 5, max: 60 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("flow" as const), terminal, ...flow }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("print" as const), terminal, bytes: size }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), terminal, tail: size }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("stall" as const, "resume" as const), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("trim" as const), terminal, keep: size }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("cut" as const, "down" as const, "up" as const, "hub dies" as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
  },
);

async function act(one: Step, server: ModelServer, page: Page): Promise<void> {
  const name = (at: number) => names[at] ?? "a";
  switch (one.do) {
    case "print":
      server.print(name(one.terminal), one.bytes);
      break;
    case "flow":
      for (let at = 0; at < one.ms; at++) {
        server.print(name(one.terminal), one.bytes);
        await vi.advanceTimersByTimeAsync(1);
      }
      break;
    case "read":
      if (page.readers.length < 12) {
        page.read(name(one.terminal), { tailBytes: BigInt(one.tail) });
      }
      break;
    case "leave": {
      const left = page.readers[one.reader]?.subscription;
      if (left && !left.over) {
        left.over = true;
        page.post({ kind: "drop", id: left.id });
      }
      break;
    }
    case "stall":
      for (const stalled of page.readers.slice(one.reader, one.reader + 1)) {
        stalled.stalled = true;
      }
      break;
    case "resume":
      page.readers[one.reader]?.resume();
      break;
    case "trim":
      server.trim(name(one.terminal), (server.shells.get(name(one.terminal))?.end ?? 0) - one.keep);
      break;
    case "cut":
      server.cut();
      break;
    case "down":
    case "up":
      server.down = one.do === "down";
      if (server.down) {
        server.cut();
      }
      break;
    case "hub dies":
      page.meet();
      break;
    case "wait":
      await vi.advanceTimersByTimeAsync(one.ms);
      break;
  }
}

async function play(steps: readonly Step[], chance: Chance): Promise<{ server: ModelServer; page: Page }> {
  const server = new ModelServer(chance);
  for (const name of names) {
    server.open(name);
  }
  const page = new Page(server);
  page.read("a", { offset: 0n });
  await vi.advanceTimersByTimeAsync(100);
  for (const one of steps) {
    await act(one, server, page);
  }
  server.down = false;
  for (const one of page.readers) {
    one.resume();
  }
  for (const name of names) {
    server.print(name, 10);
    server.end(name);
  }
  await vi.advanceTimersByTimeAsync(120_000);
  return { server, page };
}

function check(server: ModelServer, page: Page): void {
  for (const one of page.readers) {
    expect(one.faults).toEqual([]);
    expect(one.mostUnderWay).toBeLessThanOrEqual(TERMINAL_WINDOW_BYTES + 128 * 1024);
    if (one.exits > 0 || !one.subscription.over) {
      expect({ failed: one.failed, next: one.next, exits: one.exits }).toEqual({
        failed: "",
        next: BigInt(server.shells.get(one.terminalId)?.end ?? 0),
        exits: 1,
      });
    }
  }
  expect(server.mostWatches).toBeLessThanOrEqual(2);
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("reading terminals", () => {
  it("brings each byte once and in order to every reader, whatever breaks", async () => {
    const steps = fc.array(step, { minLength: 20, maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (todo, seed) => {
        const { server, page } = await play(todo, chanceOf(seed));
        try {
          check(server, page);
        } finally {
          page.close();
        }
      }),
      { numRuns: 80 },
    );
  }, 300_000);

  it("fails for the terminal that is gone, and goes on with the others", async () => {
    const server = new ModelServer(chanceOf(7));
    const [a, b] = [server.open("a"), server.open("b")];
    const page = new Page(server);
    const readers = [page.read("a", { offset: 0n }), page.read("b", { offset: 0n })];
    await vi.advanceTimersByTimeAsync(10_000);
    a.deleted = true;
    server.cut();
    await vi.advanceTimersByTimeAsync(10_000);
    server.print("b", 5_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(readers.map(({ failed }) => failed)).toEqual(["TERMINAL_NOT_FOUND", ""]);
    expect(readers[1]?.next).toBe(BigInt(b.end));
    page.close();
  });

  it("asks the server for nothing that a reader does not take", async () => {
    const server = new ModelServer(chanceOf(7));
    server.open("a");
    const page = new Page(server);
    const reader = page.read("a", { offset: 0n });
    await vi.advanceTimersByTimeAsync(10_000);
    reader.stalled = true;
    for (let mib = 0; mib < 50; mib++) {
      server.print("a", 1024 * 1024);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(reader.underWay).toBeLessThanOrEqual(TERMINAL_WINDOW_BYTES + 64 * 1024);
    expect(server.sentBytes).toBeLessThanOrEqual(3 * 1024 * 1024);
    reader.resume();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([reader.next, reader.faults]).toEqual([50n * 1024n * 1024n, []]);
    page.close();
  });
});
