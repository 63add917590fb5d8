// The input queue against a model of the server's rules: each byte once and in order, whatever fails.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failure } from "../src/api/failure.ts";
import { type Call, InputQueue, WAITING_BYTES_MAX } from "../src/hub/input.ts";

/** What becomes of one call. */
type Luck = "fine" | "lost before" | "lost after" | "full" | "stopping" | "busy";

/** The server's side: writers with their highest sequence, and what was typed. */
class Model {
  readonly typed: number[] = [];
  private readonly writers = new Map<string, bigint>();

  write({ writerId, sequence, data }: Call): void {
    const highest = this.writers.get(writerId);
    if (sequence <= (highest ?? 0n)) {
      return;
    }
    if (sequence !== (highest ?? 0n) + 1n) {
      const reason = highest === undefined ? "WRITER_UNKNOWN" : "SEQUENCE_GAP";
      throw failure(reason, "failed_precondition", "no");
    }
    this.writers.set(writerId, sequence);
    this.typed.push(...data);
  }

  /**
   * The server forgets whoever has been silent longest when too many others type. Who has typed only once is left
   * out: that one's call could be taken for the first of a new writer, if all the others came before its answer.
   */
  forget(): void {
    for (const [id, highest] of this.writers) {
      if (highest > 1n) {
        this.writers.delete(id);
      }
    }
  }
}

const lost = failure("UNREACHABLE", "unavailable", "cut", true);

function attempt(model: Model, luck: Luck, call: Call): void {
  switch (luck) {
    case "lost before":
      throw lost;
    case "full":
      throw failure("INPUT_JOURNAL_FULL", "resource_exhausted", "full", true);
    case "busy":
      throw failure("SERVER_BUSY", "resource_exhausted", "busy", true);
    case "stopping":
      throw failure("SERVER_STOPPING", "unavailable", "stopping", true);
    default:
      model.write(call);
      if (luck === "lost after") {
        throw lost;
      }
  }
}

interface Bench {
  queue: InputQueue;
  model: Model;
  /** Lets everything that can happen happen. */
  settle(): Promise<void>;
  /** The calls under way at once, at most. */
  mostUnderWay(): number;
  /** It was said that something may be missing. */
  wasUnclear(): boolean;
}

function bench(fates: Luck[], beforeCall: (model: Model, made: number) => void = () => {}): Bench {
  const model = new Model();
  let writers = 0;
  let made = 0;
  let underWay = 0;
  let most = 0;
  let unclear = false;
  const queue: InputQueue = new InputQueue({
    write: async (call) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
      beforeCall(model, made);
      const luck = fates[made++] ?? "fine";
      attempt(model, luck, call);
    },
    newWriter: () => `writer ${++writers}`,
    pause: () => Promise.resolve(),
    changed: () => {
      unclear ||= queue.state.problem?.reason === "TYPING_UNCLEAR";
    },
  });
  const settle = async () => {
    for (let turn = 0; turn < 2_000 && !queue.idle; turn++) {
      await Promise.resolve();
    }
  };
  return { queue, model, settle, mostUnderWay: () => most, wasUnclear: () => unclear };
}

const lucks = fc.array(
  fc.constantFrom<Luck>("fine", "lost before", "lost after", "full", "stopping", "busy"),
  { maxLength: 60 },
);
/** Bytes typed at once, and how many turns pass until the next. */
const strokes = fc.array(fc.record({ length: fc.integer({ min: 1, max: 9 }), turns: fc.nat(4) }), {
  maxLength: 40,
});

async function typeAll(queue: InputQueue, typed: { length: number; turns: number }[]): Promise<number[]> {
  const all: number[] = [];
  for (const { length, turns } of typed) {
    const data = Uint8Array.from({ length }, (_, at) => (all.length + at) % 251);
    all.push(...data);
    expect(queue.push(data)).toBe(true);
    for (let turn = 0; turn < turns; turn++) {
      await Promise.resolve();
    }
  }
  return all;
}

describe("the input queue", () => {
  it("types each byte once and in order, whatever is lost, refused or answered twice", async () => {
    await fc.assert(
      fc.asyncProperty(lucks, strokes, async (fates, typed) => {
        const { queue, model, settle, mostUnderWay } = bench(fates);
        const all = await typeAll(queue, typed);
        await settle();
        expect(model.typed).toEqual(all);
        expect(queue.state).toEqual({ pendingBytes: 0 });
        expect(mostUnderWay()).toBeLessThanOrEqual(1);
      }),
      { numRuns: 400 },
    );
  });

  it("never types a byte twice when the server forgets writers, and says what is unclear", async () => {
    const forgets = fc.uniqueArray(fc.nat(40), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(lucks, strokes, forgets, async (fates, typed, at) => {
        const { queue, model, settle, wasUnclear } = bench(fates, (server, made) => {
          if (at.includes(made)) {
            server.forget();
          }
        });
        const all = await typeAll(queue, typed);
        await settle();
        let from = 0;
        for (const byte of model.typed) {
          const found = all.indexOf(byte, from);
          expect(found).toBeGreaterThanOrEqual(from);
          from = found + 1;
        }
        expect(model.typed.length === all.length || wasUnclear()).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("goes on as another writer if the forgotten one's call was surely not taken", async () => {
    const { queue, model, settle } = bench([], (server, made) => {
      if (made === 2) {
        server.forget();
      }
    });
    queue.push(Uint8Array.of(0));
    await settle();
    queue.push(Uint8Array.of(1));
    await settle();
    const before = queue.writerId;
    queue.push(Uint8Array.of(2));
    await settle();
    expect(model.typed).toEqual([0, 1, 2]);
    expect(queue.writerId).not.toBe(before);
  });

  it("gives up what may have been typed by a writer that is forgotten, and says so", async () => {
    const { queue, model, settle } = bench(["fine", "lost after"], (server, made) => {
      if (made === 2) {
        server.forget();
      }
    });
    queue.push(Uint8Array.of(1));
    await settle();
    queue.push(Uint8Array.of(2));
    await settle();
    expect(model.typed).toEqual([1, 2]);
    expect(queue.state.problem?.reason).toBe("TYPING_UNCLEAR");
    queue.push(Uint8Array.of(3));
    await settle();
    expect(model.typed).toEqual([1, 2, 3]);
    expect(queue.state.problem).toBeUndefined();
  });

  it("drops everything and says why when it may not type", async () => {
    const denied = failure("ROLE_TOO_LOW", "permission_denied", "no");
    const queue = new InputQueue({
      write: () => Promise.reject(denied),
      newWriter: () => "w",
      pause: () => Promise.resolve(),
      changed: () => {},
    });
    queue.push(Uint8Array.of(1));
    queue.push(Uint8Array.of(2));
    for (let turn = 0; turn < 10; turn++) {
      await Promise.resolve();
    }
    expect(queue.state).toEqual({ pendingBytes: 0, problem: denied });
  });

  it("takes at most 1 MiB, and then nothing of what does not fit", async () => {
    const calls: Call[] = [];
    const queue = new InputQueue({
      write: (call) => {
        calls.push(call);
        return calls.length === 1 ? new Promise(() => {}) : Promise.resolve();
      },
      newWriter: () => "w",
      pause: () => Promise.resolve(),
      changed: () => {},
    });
    expect(queue.push(new Uint8Array(WAITING_BYTES_MAX - 1))).toBe(true);
    expect(queue.push(new Uint8Array(2))).toBe(false);
    expect(queue.push(new Uint8Array(1))).toBe(true);
    expect(queue.state.pendingBytes).toBe(WAITING_BYTES_MAX);
    expect(calls[0]?.data.length).toBeLessThanOrEqual(256 * 1024);
  });

  it("says farewell with everything, which may arrive in any order beside what is under way", async () => {
    await fc.assert(
      fc.asyncProperty(lucks, strokes, strokes, async (fates, typed, after) => {
        const { queue, model, settle } = bench(fates);
        const all = await typeAll(queue, typed);
        for (const call of queue.farewell(48 * 1024)) {
          try {
            model.write(call);
          } catch {
            // It came too early, and nobody waited for it.
          }
        }
        // The page did not go after all.
        const more = await typeAll(queue, after);
        await settle();
        expect(model.typed).toEqual([...all, ...more.map((_, at) => at % 251)]);
      }),
      { numRuns: 200 },
    );
  });
});
