// The session's reading of answers: all of them on one stream. It must not know what answers say.

import type { CallOptions } from "@connectrpc/connect";
import { failure, failureOf } from "../api/failure.ts";
import type { MessageEvent, WatchMessageResponse } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { StreamEnded_Reason } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Context } from "./context.ts";
import { Line, type Verdict } from "./line.ts";
import type { Log, Reader } from "./log.ts";
import { itemAfter, readPart, sequencedLog } from "./sequenced.ts";

/** An answer that nobody reads is kept a little: somebody who comes back at once finds it. */
const LINGER_MS = 5_000;
/** The server takes so many on one stream. */
const ANSWERS_MAX = 64;

interface Answer {
  id: string;
  log: Log<MessageEvent>;
  /** The first stream that knows it from where its log begins: an older one is somewhere else. */
  stream: number;
  lingering?: ReturnType<typeof setTimeout>;
}

export class MessageLogs {
  private readonly answers = new Map<string, Answer>();
  private readonly line: Line<WatchMessageResponse>;

  constructor(private readonly context: Context) {
    this.line = new Line(context, {
      wants: () => this.wanted().length > 0,
      open: (signal) => this.open(signal),
      take: (message, stream) => this.take(message.event, stream),
      refused: () => this.findBad(),
    });
  }

  join(messageId: string, after: bigint, reader: Reader<MessageEvent>) {
    const answer = this.answers.get(messageId) ?? this.begin(messageId, after);
    clearTimeout(answer.lingering);
    const place = answer.log.join(reader, after);
    return {
      leave: () => {
        answer.log.leave(place);
        this.linger(answer);
      },
      taken: (amount: number) => answer.log.taken(place, amount),
    };
  }

  refresh(): void {
    this.line.refresh();
  }

  doubt(): void {
    this.line.doubt();
  }

  close(): void {
    this.line.close();
    for (const answer of this.answers.values()) {
      clearTimeout(answer.lingering);
      answer.log.failAll(failure("CLOSED", "canceled", "The hub was closed."));
    }
    this.answers.clear();
  }

  private begin(id: string, at: bigint): Answer {
    const log = sequencedLog(this.context, at, (after, options) => this.read(id, after, options));
    const answer = { id, log, stream: this.line.upcoming };
    this.answers.set(id, answer);
    this.line.refresh();
    return answer;
  }

  private linger(answer: Answer): void {
    clearTimeout(answer.lingering);
    answer.lingering = setTimeout(() => {
      if (answer.log.places.size === 0 && this.answers.get(answer.id) === answer) {
        this.answers.delete(answer.id);
        if (!answer.log.over) {
          this.line.refresh();
        }
      }
    }, LINGER_MS);
  }

  private wanted(): Answer[] {
    return [...this.answers.values()].filter((answer) => !answer.log.over).slice(0, ANSWERS_MAX);
  }

  private open(signal: AbortSignal): AsyncIterable<WatchMessageResponse> | undefined {
    const wanted = this.wanted().map(({ id, log }) => ({ messageId: id, afterSequence: log.ring.end }));
    const [first] = wanted;
    if (!first) {
      return undefined;
    }
    const request = wanted.length === 1 ? first : { subscriptions: wanted };
    return this.context.clients.chat.watchMessage(request, { signal });
  }

  private take(event: MessageEvent | undefined, stream: number): Verdict {
    const answer = event && this.answers.get(event.messageId);
    if (!event || !answer || answer.log.over) {
      return this.verdict();
    }
    if (stream < answer.stream) {
      return "go on";
    }
    if (event.event.case === "streamEnded") {
      return this.over(answer, event.event.value.reason);
    }
    if (isLogged(event) && event.sequence > answer.log.ring.end) {
      answer.log.push(itemAfter(event, answer.log.ring.end));
      if (event.event.case === "completed") {
        this.finish(answer);
      }
    }
    return "go on";
  }

  private over(answer: Answer, reason: StreamEnded_Reason): Verdict {
    if (reason === StreamEnded_Reason.SERVER_STOPPING) {
      return "restarting";
    }
    if (reason === StreamEnded_Reason.DELETED) {
      this.answers.delete(answer.id);
      answer.log.failAll(failure("MESSAGE_NOT_FOUND", "not_found", "The conversation was deleted."));
    } else {
      this.finish(answer);
    }
    return this.verdict();
  }

  private finish(answer: Answer): void {
    answer.log.end();
    this.linger(answer);
    if (this.wanted().length === ANSWERS_MAX) {
      // One that had to wait may take its place.
      this.line.refresh();
    }
  }

  private verdict(): Verdict {
    return this.wanted().length > 0 ? "go on" : "over";
  }

  /** The server refuses the stream because of one of the answers: finds out which. */
  private async findBad(): Promise<boolean> {
    let found = false;
    for (const answer of this.wanted()) {
      try {
        const read = (after: bigint, options: CallOptions) => this.read(answer.id, after, options);
        await readPart(this.context, answer.log.ring.end, new AbortController().signal, read);
      } catch (error) {
        const why = failureOf(error);
        if (why.code !== "unavailable" && why.code !== "deadline_exceeded") {
          found = true;
          this.answers.delete(answer.id);
          answer.log.failAll(why);
        }
      }
    }
    return found;
  }

  private async *read(messageId: string, afterSequence: bigint, options: CallOptions) {
    const request = { messageId, afterSequence, follow: false };
    for await (const { event } of this.context.clients.chat.watchMessage(request, options)) {
      yield event && isLogged(event) ? event : undefined;
    }
  }
}

function isLogged({ event }: MessageEvent): boolean {
  return event.case !== "opened" && event.case !== "heartbeat" && event.case !== "streamEnded";
}
