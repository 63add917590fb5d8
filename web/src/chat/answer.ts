// An answer as its events have made it so far.
// It must not know where the events come from, nor whether they come for the first time.

import type {
  CommandResult,
  FellBack,
  Message,
  MessageEvent,
  Retried,
  ToolCallDelta,
  Usage,
} from "../api/gen/mosaic/chat/v1/chat_pb.ts";

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export type Notice =
  | { readonly kind: "retried"; readonly sequence: bigint; readonly what: Retried }
  | { readonly kind: "fellBack"; readonly sequence: bigint; readonly what: FellBack }
  | { readonly kind: "superseded"; readonly sequence: bigint };

export interface Answer {
  /** The newest event that is in it; what is not newer is left aside. */
  readonly sequence: bigint;
  /** The model that was asked for, and those that are asked in turn. */
  readonly model: string;
  readonly candidates: readonly string[];
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly Call[];
  readonly notices: readonly Notice[];
  /** Messages that were left out of the prompt. */
  readonly dropped: readonly string[];
  readonly usage?: Usage;
  readonly result?: CommandResult;
  /** The message as it is stored; nothing follows. */
  readonly completed?: Message;
  /** What it was before each event with content: how a part of it can become void. */
  readonly before?: Mark;
}

/** Lengths, not texts: each text that was drawn is a copy, and there are thousands of marks. */
interface Mark {
  readonly sequence: bigint;
  readonly textLength: number;
  readonly thinkingLength: number;
  readonly calls: readonly Call[];
  readonly before?: Mark;
}

/** Notices that are kept; a server gives up long before. */
const NOTICES_MAX = 50;

export const emptyAnswer: Answer = {
  sequence: 0n,
  model: "",
  candidates: [],
  text: "",
  thinking: "",
  calls: [],
  notices: [],
  dropped: [],
};

/** Takes events in order. Those that it has already are left aside, so that reading may begin anywhere before. */
export function applyEvents(answer: Answer, events: Iterable<MessageEvent>): Answer {
  let now = answer;
  for (const event of events) {
    now = applyEvent(now, event);
  }
  return now;
}

export function applyEvent(answer: Answer, { sequence, event }: MessageEvent): Answer {
  // These three have no place of their own in the log.
  if (event.case === "opened" || event.case === "heartbeat" || event.case === "streamEnded") {
    return answer;
  }
  if (sequence <= answer.sequence || answer.completed) {
    return answer;
  }
  const next = { ...answer, sequence };
  switch (event.case) {
    case "started":
      return { ...next, model: event.value.model, candidates: event.value.candidates };
    case "textDelta":
      return { ...next, text: answer.text + event.value.text, before: mark(answer, sequence) };
    case "thinkingDelta":
      return { ...next, thinking: answer.thinking + event.value.text, before: mark(answer, sequence) };
    case "toolCall":
      return { ...next, calls: withCall(answer.calls, event.value), before: mark(answer, sequence) };
    case "retried":
      return noticed(next, { kind: "retried", sequence, what: event.value });
    case "fellBack":
      return noticed(next, { kind: "fellBack", sequence, what: event.value });
    case "superseded":
      return noticed(without(next, event.value.fromSequence), { kind: "superseded", sequence });
    case "contextTrimmed":
      return { ...next, dropped: event.value.dropped };
    case "usage":
      return { ...next, usage: event.value };
    case "commandResult":
      return { ...next, result: event.value, text: event.value.text };
    case "completed":
      return { ...next, completed: event.value.message, before: undefined };
    default:
      return next;
  }
}

/** Content from a sequence on is void. */
function without(answer: Answer, from: bigint): Answer {
  let mark = answer.before;
  let first: Mark | undefined;
  while (mark && mark.sequence >= from) {
    first = mark;
    mark = mark.before;
  }
  if (!first) {
    return answer;
  }
  return {
    ...answer,
    text: answer.text.slice(0, first.textLength),
    thinking: answer.thinking.slice(0, first.thinkingLength),
    calls: first.calls,
    before: mark,
  };
}

function mark(answer: Answer, sequence: bigint): Mark {
  return {
    sequence,
    textLength: answer.text.length,
    thinkingLength: answer.thinking.length,
    calls: answer.calls,
    before: answer.before,
  };
}

function noticed(answer: Answer, notice: Notice): Answer {
  return { ...answer, notices: [...answer.notices, notice].slice(-NOTICES_MAX) };
}

function withCall(calls: readonly Call[], more: ToolCallDelta): readonly Call[] {
  // The server numbers calls without a gap; what comes beyond the end is a new one.
  const index = Math.min(more.index, calls.length);
  const old = calls[index] ?? { id: "", name: "", arguments: "" };
  const call = {
    id: old.id + more.id,
    name: old.name + more.name,
    arguments: old.arguments + more.arguments,
  };
  return [...calls.slice(0, index), call, ...calls.slice(index + 1)];
}
