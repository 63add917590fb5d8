// A page's subscriptions: what a hub says twice is taken once, and history ends where it ended when one came.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TerminalSchema } from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { EventSchema } from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { EventSubscription, TerminalSubscription } from "../src/hub/subscriptions.ts";
import { bytes } from "./model-terminal.ts";

describe("a page's subscription to a terminal", () => {
  it("takes each byte once from hubs that begin anywhere before its cursor", () => {
    const pieces = fc.array(fc.record({ back: fc.nat(50), length: fc.integer({ min: 1, max: 80 }) }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(pieces, fc.nat(400), (all, historyEnd) => {
        const taken: number[] = [];
        const history: number[] = [];
        const subscription = new TerminalSubscription(
          1,
          "a",
          { offset: 0n },
          {
            opened: () => {},
            output: ({ offset, data, history: old, done }) => {
              expect(offset).toBe(BigInt(taken.length));
              taken.push(...data);
              if (old) {
                history.push(...data);
              }
              done();
            },
            gap: () => {},
            event: () => {},
            failed: () => {},
          },
          () => {},
        );
        const terminal = create(TerminalSchema, {});
        subscription.take({
          kind: "opened",
          id: 1,
          offset: 0n,
          outputEnd: BigInt(historyEnd),
          terminal,
          others: 0,
        });
        let end = 0;
        for (const { back, length } of all) {
          const from = Math.max(end - back, 0);
          const to = Math.max(from + length, end);
          const items = [{ output: bytes(from, to), offset: BigInt(from) }];
          subscription.take({ kind: "items", id: 1, items });
          end = to;
        }
        expect(taken).toEqual([...bytes(0, end)]);
        expect(history.length).toBe(Math.min(historyEnd, end));
        expect(subscription.request()).toMatchObject({ start: { offset: BigInt(end) } });
      }),
    );
  });
});

describe("a page's subscription to events", () => {
  it("takes each event once, and asks the next hub for the rest", () => {
    const seen: bigint[] = [];
    const reader = { event: ({ sequence }: { sequence: bigint }) => seen.push(sequence), expired: () => {} };
    const subscription = new EventSubscription(
      1,
      3n,
      { ...reader, event: (event) => void reader.event(event) },
      () => {},
    );
    for (const sequences of [
      [4n, 5n],
      [3n, 4n, 5n, 6n],
      [6n, 7n],
    ]) {
      const events = sequences.map((sequence) => create(EventSchema, { sequence }));
      subscription.take({ kind: "events", id: 1, events });
    }
    expect(seen).toEqual([4n, 5n, 6n, 7n]);
    expect(subscription.request()).toMatchObject({ after: 7n });
  });
});
