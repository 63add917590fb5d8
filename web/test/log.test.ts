// A log's ring and its readers: every item once and in order at any place, and streams that bring the same twice.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Log } from "../src/hub/log.ts";
import type { TerminalItem } from "../src/hub/protocol.ts";
import { type Item, Ring } from "../src/hub/ring.ts";
import { clipOutput } from "../src/hub/terminal-items.ts";
import { bytes } from "./model-terminal.ts";

function output(from: number, to: number): Item<TerminalItem> {
  const value = { output: bytes(from, to), offset: BigInt(from) };
  return { start: BigInt(from), end: BigInt(to), cost: to - from, value };
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 });

describe("a ring", () => {
  it("keeps its newest items, and says from where on nothing is missing", () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 200 }), (sizes, costMax) => {
        const ring = new Ring<TerminalItem>(0n, costMax);
        let end = 0;
        for (const size of sizes) {
          ring.push(output(end, end + size));
          end += size;
          const kept = ring.end - ring.floor;
          expect(ring.end).toBe(BigInt(end));
          expect(kept <= BigInt(costMax) || kept === BigInt(size)).toBe(true);
          expect(ring.next(ring.floor, 0)?.item.start).toBe(ring.floor);
          expect(ring.next(ring.end, 0)).toBeUndefined();
        }
      }),
    );
  });

  it("does not take an item that would leave a hole or lie over another", () => {
    const ring = new Ring<TerminalItem>(10n, 100);
    expect(() => ring.push(output(11, 12))).toThrow(RangeError);
    expect(() => ring.push(output(9, 12))).toThrow(RangeError);
  });
});

describe("a log", () => {
  it("gives a reader in the middle of an item what is left of it", async () => {
    await fc.assert(
      fc.asyncProperty(lengths, fc.nat(), fc.integer({ min: 1, max: 300 }), async (sizes, place, window) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const from = place % (total + 1);
        const log = new Log<TerminalItem>({
          at: 0n,
          ringCost: 120,
          window,
          fetch: async (at, room) => [output(Number(at), Math.min(Number(at) + room, total))],
          pause: async () => true,
          clip: clipOutput,
        });
        const taken: number[] = [];
        let at = 0;
        for (const size of sizes) {
          log.push(output(at, at + size));
          at += size;
        }
        const reader = {
          give: (items: Item<TerminalItem>[]) => {
            for (const { value, start, end, cost } of items) {
              if ("output" in value) {
                expect([value.offset, value.output.length]).toEqual([start, Number(end - start)]);
                taken.push(...value.output);
              }
              queueMicrotask(() => log.taken(joined, cost));
            }
          },
          finished: () => {},
          failed: () => {},
        };
        const joined = log.join(reader, BigInt(from));
        for (let turn = 0; turn < 500 && taken.length < total - from; turn++) {
          await Promise.resolve();
        }
        expect(taken).toEqual([...bytes(from, total)]);
      }),
    );
  });
});
