// What is on its way to the server and not known to be recorded: how it is sent, and sent again without doubling.
// It must not know who shows it.

import { Code, ConnectError } from "@connectrpc/connect";
import type { Clients } from "../api/clients.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import { OnDisconnect, type Parameters } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Picture } from "./images.ts";

/** Something to be said, or an answer to be made anew. Its request id makes it safe to send again. */
export interface Outgoing {
  readonly requestId: string;
  readonly what:
    | {
        readonly kind: "send";
        readonly text: string;
        readonly images: readonly Picture[];
        /** "" is a new conversation. */
        readonly conversationId: string;
        /** Absent: after the conversation's newest; "": at its beginning. */
        readonly parentId?: string;
        /** These three only for a new conversation. */
        readonly model?: string;
        readonly system?: string;
        readonly parameters?: Parameters;
      }
    | {
        readonly kind: "regenerate";
        readonly conversationId: string;
        readonly messageId: string;
        readonly model?: string;
      };
  readonly since: number;
  readonly phase: "sending" | "waiting" | "failed" | "recorded";
  readonly failure?: Failure;
}

/** Where it was recorded. */
export interface Recorded {
  readonly conversationId: string;
  readonly parentId: string;
  readonly answerId: string;
}

/** How long it is sent again before a person is asked. */
const PATIENCE_MS = 120_000;
/** How long a call may take to its first step. */
const FIRST_STEP_MS = 20_000;
const BACKOFF_MS = [300, 1000, 2000, 4000, 8000];

export interface Attempts {
  /** It did not come through, and is sent again. */
  waiting(failure: Failure): void;
  /** Settles when it is worth to try again, at the latest after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
  readonly signal: AbortSignal;
}

/** Sends it until it is recorded; throws a Failure when that is refused, or after two minutes. */
export async function deliver(
  chat: Clients["chat"],
  outgoing: Outgoing,
  attempts: Attempts,
): Promise<Recorded> {
  const until = outgoing.since + PATIENCE_MS;
  for (let tries = 0; ; tries += 1) {
    try {
      return await deliverOnce(chat, outgoing, attempts.signal);
    } catch (error) {
      const failure = failureOf(error);
      const pause = BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)] ?? 8000;
      if (attempts.signal.aborted || !mayComeThrough(failure) || Date.now() + pause > until) {
        throw failure;
      }
      attempts.waiting(failure);
      await attempts.pause(pause);
    }
  }
}

/** Only what says nothing about the request itself is worth the same request again. */
function mayComeThrough(failure: Failure): boolean {
  return (
    failure.reason === "UNREACHABLE" || failure.code === "unavailable" || failure.code === "deadline_exceeded"
  );
}

/** Reads the first step, which comes when it is recorded, and leaves: the hub reads the answer. */
async function deliverOnce(
  chat: Clients["chat"],
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<Recorded> {
  const leave = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    leave.abort();
  }, FIRST_STEP_MS);
  const abort = () => leave.abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    for await (const { event } of call(chat, outgoing, leave.signal)) {
      if (event?.event.case === "opened") {
        const { conversationId, parentId } = event.event.value;
        return { conversationId, parentId, answerId: event.messageId };
      }
    }
    throw new ConnectError("the answer ended before it began", Code.Unavailable);
  } catch (error) {
    throw late ? new ConnectError("the server did not answer in time", Code.Unavailable) : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    leave.abort();
  }
}

function call(chat: Clients["chat"], { requestId, what }: Outgoing, signal: AbortSignal) {
  const onDisconnect = OnDisconnect.CONTINUE;
  if (what.kind === "regenerate") {
    const { messageId, model } = what;
    return chat.regenerateMessage({ requestId, messageId, model, onDisconnect }, { signal });
  }
  const { text, conversationId, parentId, model, system, parameters } = what;
  const images = what.images.map(({ mediaType, data }) => ({ mediaType, data }));
  const request = {
    requestId,
    content: text,
    conversationId,
    parentId,
    model,
    system,
    parameters,
    images,
    onDisconnect,
  };
  return chat.sendMessage(request, { signal });
}

/** True if both say the same at the same place: then the second is the first, sent again. */
export function saysTheSame(a: Outgoing["what"], b: Outgoing["what"]): boolean {
  if (a.kind !== "send" || b.kind !== "send") {
    return false;
  }
  const images = a.images.length === b.images.length && a.images.every((image, at) => image === b.images[at]);
  const settings = a.model === b.model && a.system === b.system && a.parameters === b.parameters;
  const place = a.conversationId === b.conversationId && a.parentId === b.parentId;
  return a.text === b.text && images && settings && place;
}
