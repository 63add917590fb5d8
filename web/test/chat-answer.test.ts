// The answer as its events make it: any split into reloads, any repetition, gives the same answer.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type MessageEvent,
  MessageEventSchema,
  MessageSchema,
} from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import { type Answer, applyEvents, emptyAnswer } from "../src/chat/answer.ts";

type Case = Exclude<MessageEvent["event"], { case: undefined }>;

function event(sequence: number, what: { case: Case["case"]; value: object }): MessageEvent {
  return create(MessageEventSchema, { messageId: "m", sequence: BigInt(sequence), event: what as never });
}

const text = (value: string) => ({ case: "textDelta" as const, value: { text: value } });

const step = fc.oneof(
  { weight: 8, arbitrary: fc.string({ minLength: 1, maxLength: 8 }).map(text) },
  {
    weight: 3,
    arbitrary: fc
      .string({ minLength: 1 })
      .map((value) => ({ case: "thinkingDelta" as const, value: { text: value } })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        index: fc.nat(2),
        id: fc.constantFrom("", "c1"),
        name: fc.constantFrom("", "n"),
        arguments: fc.string(),
      })
      .map((value) => ({ case: "toolCall" as const, value })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ case: "retried" as const, value: { model: "a/b", reason: "CONNECT" } }),
  },
  { weight: 1, arbitrary: fc.constant({ case: "fellBack" as const, value: { from: "a/b", to: "c/d" } }) },
  {
    weight: 1,
    arbitrary: fc
      .nat(30)
      .map((from) => ({ case: "superseded" as const, value: { fromSequence: BigInt(from) } })),
  },
  { weight: 1, arbitrary: fc.constant({ case: "contextTrimmed" as const, value: { dropped: ["x", "y"] } }) },
  { weight: 1, arbitrary: fc.constant({ case: "usage" as const, value: { input: 3n, output: 4n } }) },
);

const log = fc.tuple(fc.array(step, { maxLength: 30 }), fc.boolean()).map(([steps, whole]) => {
  const events = steps.map((what, index) => event(index + 1, what));
  const stored = create(MessageSchema, { id: "m", content: "stored" });
  return whole
    ? [...events, event(events.length + 1, { case: "completed", value: { message: stored } })]
    : events;
});

/** What is shown of it. */
function shown(answer: Answer): unknown {
  const { before: _, ...rest } = answer;
  return rest;
}

describe("answer", () => {
  it("is the same wherever it was reloaded, and whatever came twice", () => {
    fc.assert(
      fc.property(log, fc.array(fc.tuple(fc.nat(31), fc.nat(31)), { maxLength: 6 }), (events, reloads) => {
        const once = applyEvents(emptyAnswer, events);
        let answer = emptyAnswer;
        let upTo = 0;
        for (const [from, to] of reloads) {
          // A reader begins again anywhere before what it has, and comes some way.
          const begin = Math.min(from, upTo);
          const end = Math.min(Math.max(to, begin), events.length);
          answer = applyEvents(answer, events.slice(begin, end));
          upTo = Math.max(upTo, end);
        }
        answer = applyEvents(answer, events.slice(upTo));
        expect(shown(answer)).toEqual(shown(once));
        // Nothing follows what is stored.
        expect(shown(applyEvents(once, events))).toEqual(shown(once));
      }),
    );
  });

  it("cuts the text of what is superseded from its sequence on", () => {
    const events = [
      event(1, { case: "started", value: { model: "careful", candidates: ["a/b", "c/d"] } }),
      event(2, text("keep ")),
      event(3, text("void ")),
      event(4, { case: "thinkingDelta", value: { text: "void too" } }),
      event(5, { case: "superseded", value: { fromSequence: 3n } }),
      event(6, text("new")),
    ];
    const answer = applyEvents(emptyAnswer, events);
    expect([answer.text, answer.thinking, answer.notices.length]).toEqual(["keep new", "", 1]);
  });

  it("puts tool calls together from their pieces", () => {
    const answer = applyEvents(emptyAnswer, [
      event(1, { case: "toolCall", value: { index: 0, id: "c1", name: "look", arguments: '{"a"' } }),
      event(2, { case: "toolCall", value: { index: 0, arguments: ":1}" } }),
      event(3, { case: "toolCall", value: { index: 1, id: "c2", name: "find" } }),
    ]);
    expect(answer.calls).toEqual([
      { id: "c1", name: "look", arguments: '{"a":1}' },
      { id: "c2", name: "find", arguments: "" },
    ]);
  });

  it("leaves aside what has no place in the log", () => {
    const answer = applyEvents(emptyAnswer, [
      event(7, { case: "opened", value: {} }),
      event(7, { case: "heartbeat", value: {} }),
    ]);
    expect(answer).toEqual(emptyAnswer);
  });
});
