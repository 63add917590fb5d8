// Reading terminals, from a page's subscription through the hub to a model of the server: each byte once and in
// order, through random chunks, swaps, cuts, slow readers and hubs that die.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Failure } from "../src/api/failure.ts";
import type { Gap, TerminalEvent } from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { TerminalReader, TerminalStart } from "../src/hub/hub.ts";
import { TERMINAL_WINDOW_BYTES } from "../src/hub/protocol.ts";
import { TerminalSubscription } from "../src/hub/subscriptions.ts";
import { bytes, type Chance, chanceOf, ModelServer } from "./model-terminal.ts";
import { Page } from "./page.ts";

/** A reader that checks every byte against the log. */
class Reader implements TerminalReader {
  readonly faults: string[] = [];
  next: bigint | undefined;
  historyEnd = 0n;
  exits = 0;
  cols = 0;
  title = "";
  why = "";
  underWay = 0;
  mostUnderWay = 0;
  stalled = false;
  private undone: (() => void)[] = [];

  constructor(readonly terminalId: string) {}

  opened({ offset, outputEnd, terminal }: Parameters<TerminalReader["opened"]>[0]): void {
    if (this.next !== undefined) {
      this.faults.push(`opened again at ${offset}`);
    }
    this.next = offset;
    this.historyEnd = outputEnd;
    this.cols = terminal.cols;
    this.title = terminal.title;
  }

  gap({ from, to }: Gap): void {
    if (from !== this.next) {
      this.faults.push(`a gap at ${from}, not ${this.next}`);
    }
    this.next = to;
  }

  event({ event }: TerminalEvent): void {
    this.exits += event.case === "exited" ? 1 : 0;
    if (event.case === "resized") {
      this.cols = event.value.cols;
    } else if (event.case === "titleChanged") {
      this.title = event.value.title;
    }
  }

  failed({ reason }: Failure): void {
    this.why = reason;
  }

  stall(): void {
    this.stalled = true;
  }

  resume(): void {
    this.stalled = false;
    const undone = this.undone;
    this.undone = [];
    for (const done of undone) {
      done();
    }
  }

  output(chunk: { offset: bigint; data: Uint8Array; history: boolean; done: () => void }): void {
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

/** A page, and what its readers got. */
class Readers {
  readonly page: Page;
  readonly all: { reader: Reader; subscription: TerminalSubscription }[] = [];

  constructor(server: ModelServer) {
    this.page = new Page(() => server.clients());
  }

  read(terminalId: string, start: TerminalStart): Reader {
    const reader = new Reader(terminalId);
    const subscription = this.page.add(
      (id) => new TerminalSubscription(id, terminalId, start, reader, this.page.post),
    );
    this.all.push({ reader, subscription });
    return reader;
  }
}

type Step =
  | { do: "print"; terminal: number; bytes: number }
  /** Prints a little each millisecond: swaps happen in the middle of it. */
  | { do: "flow"; terminal: number; bytes: number; ms: number }
  | { do: "read"; terminal: number; tail: number }
  | { do: "leave"; reader: number }
  | { do: "resize" | "retitle"; terminal: number; to: number }
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
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("resize" as const, "retitle" as const),
      terminal,
      to: fc.integer({ min: 1, max: 500 }),
    }),
  },
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

async function act(one: Step, server: ModelServer, readers: Readers): Promise<void> {
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
      if (readers.all.length < 12) {
        readers.read(name(one.terminal), { tailBytes: BigInt(one.tail) });
      }
      break;
    case "leave":
      readers.page.leave(readers.all[one.reader]?.subscription);
      break;
    case "resize":
      server.resize(name(one.terminal), one.to);
      break;
    case "retitle":
      server.retitle(name(one.terminal), `title ${one.to}`);
      break;
    case "stall":
      readers.all[one.reader]?.reader.stall();
      break;
    case "resume":
      readers.all[one.reader]?.reader.resume();
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
      readers.page.meet();
      break;
    case "wait":
      await vi.advanceTimersByTimeAsync(one.ms);
      break;
  }
}

async function play(
  steps: readonly Step[],
  chance: Chance,
): Promise<{ server: ModelServer; readers: Readers }> {
  const server = new ModelServer(chance);
  for (const name of names) {
    server.open(name);
  }
  const readers = new Readers(server);
  readers.read("a", { offset: 0n });
  await vi.advanceTimersByTimeAsync(100);
  for (const one of steps) {
    await act(one, server, readers);
  }
  server.down = false;
  for (const { reader } of readers.all) {
    reader.resume();
  }
  for (const name of names) {
    server.print(name, 10);
    server.end(name);
  }
  await vi.advanceTimersByTimeAsync(120_000);
  return { server, readers };
}

function check(server: ModelServer, readers: Readers): void {
  for (const { reader, subscription } of readers.all) {
    expect(reader.faults).toEqual([]);
    expect(reader.mostUnderWay).toBeLessThanOrEqual(TERMINAL_WINDOW_BYTES + 64 * 1024);
    if (reader.exits > 0 || !subscription.over) {
      const end = BigInt(server.shells.get(reader.terminalId)?.end ?? 0);
      expect([reader.why, reader.next, reader.exits]).toEqual(["", end, 1]);
      const { cols, title } = server.terminal(reader.terminalId);
      expect([reader.cols, reader.title]).toEqual([cols, title]);
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
  it("brings each byte once and in order to every reader, and its size and its title, whatever breaks", async () => {
    const steps = fc.array(step, { minLength: 20, maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (todo, seed) => {
        const { server, readers } = await play(todo, chanceOf(seed));
        try {
          check(server, readers);
        } finally {
          readers.page.close();
        }
      }),
      { numRuns: 80 },
    );
  }, 300_000);

  it("fails for the terminal that is gone, and goes on with the others", async () => {
    const server = new ModelServer(chanceOf(7));
    const [a, b] = [server.open("a"), server.open("b")];
    const readers = new Readers(server);
    const both = [readers.read("a", { offset: 0n }), readers.read("b", { offset: 0n })];
    await vi.advanceTimersByTimeAsync(10_000);
    a.deleted = true;
    server.cut();
    await vi.advanceTimersByTimeAsync(10_000);
    server.print("b", 5_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(both.map(({ why }) => why)).toEqual(["TERMINAL_NOT_FOUND", ""]);
    expect(both[1]?.next).toBe(BigInt(b.end));
    readers.page.close();
  });

  it("asks the server for nothing that a reader does not take", async () => {
    const server = new ModelServer(chanceOf(7));
    server.open("a");
    const readers = new Readers(server);
    const reader = readers.read("a", { offset: 0n });
    await vi.advanceTimersByTimeAsync(10_000);
    reader.stall();
    for (let mib = 0; mib < 50; mib++) {
      server.print("a", 1024 * 1024);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(reader.underWay).toBeLessThanOrEqual(TERMINAL_WINDOW_BYTES + 64 * 1024);
    expect(server.sentBytes).toBeLessThanOrEqual(3 * 1024 * 1024);
    reader.resume();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([reader.next, reader.faults]).toEqual([50n * 1024n * 1024n, []]);
    readers.page.close();
  });
});
