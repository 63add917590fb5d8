// A model of the server's numbered logs for tests: the workspace's events and the answers of models.

import { create } from "@bufbuild/protobuf";
import type { Clients } from "../src/api/clients.ts";
import { failure } from "../src/api/failure.ts";
import {
  MessageEventSchema,
  StreamEnded_Reason,
  type WatchMessageRequest,
  type WatchMessageResponse,
  WatchMessageResponseSchema,
} from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  EventsEnded_Reason,
  type WatchEventsRequest,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Chance } from "./model-terminal.ts";

const cut = failure("UNREACHABLE", "unavailable", "cut", true);

interface Numbered {
  /** Numbers after this one are kept. */
  oldest: number;
  newest: number;
  /** Answers end; the workspace's log does not. */
  done: boolean;
}

type Options = { signal: AbortSignal };

export class ModelLogs {
  readonly events: Numbered = { oldest: 0, newest: 0, done: false };
  readonly answers = new Map<string, Numbered>();
  down = false;
  streams = 0;
  mostStreams = 0;
  private readonly moves = new Set<() => void>();
  private readonly cuts = new Set<() => void>();

  constructor(private readonly chance: Chance) {}

  append(log: Numbered, count: number): void {
    if (!log.done) {
      log.newest += count;
      this.move();
    }
  }

  finish(log: Numbered): void {
    if (!log.done) {
      log.newest += 1;
      log.done = true;
      this.move();
    }
  }

  cut(): void {
    for (const one of [...this.cuts]) {
      one();
    }
  }

  clients(): Clients {
    const workspace = {
      watchEvents: (request: Partial<WatchEventsRequest>, { signal }: Options) =>
        this.counted(this.watchEvents(request, signal), signal),
    };
    const chat = {
      watchMessage: (request: Partial<WatchMessageRequest>, { signal }: Options) =>
        this.counted(this.watchMessage(request, signal), signal),
    };
    return { workspace, chat } as unknown as Clients;
  }

  private move(): void {
    for (const one of [...this.moves]) {
      one();
    }
  }

  private async *counted<T>(inner: AsyncGenerator<T>, signal: AbortSignal): AsyncGenerator<T> {
    this.streams += 1;
    this.mostStreams = Math.max(this.mostStreams, this.streams);
    let there = true;
    const leave = () => {
      this.streams -= there ? 1 : 0;
      there = false;
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      await new Promise((resolve) => setTimeout(resolve, this.chance.next(20)));
      if (this.down || this.chance.next(12) === 0) {
        throw cut;
      }
      yield* inner;
    } finally {
      leave();
    }
  }

  private async *watchEvents(
    { afterSequence = 0n, follow = true }: Partial<WatchEventsRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEventsResponse> {
    const log = this.events;
    let at = Number(afterSequence);
    if (at < log.oldest) {
      throw failure("CURSOR_EXPIRED", "out_of_range", "expired");
    }
    yield response({ case: "opened", value: { afterSequence, newestSequence: BigInt(log.newest) } });
    for (;;) {
      signal.throwIfAborted();
      if (at < log.newest) {
        at += 1;
        yield response({ case: "event", value: { sequence: BigInt(at) } });
      } else if (!follow) {
        yield response({ case: "ended", value: { reason: EventsEnded_Reason.CAUGHT_UP } });
        return;
      } else {
        await this.moved(signal);
      }
    }
  }

  private async *watchMessage(
    { messageId = "", afterSequence = 0n, follow = true, subscriptions = [] }: Partial<WatchMessageRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<WatchMessageResponse> {
    const single = messageId ? [{ messageId, afterSequence }] : [];
    const wanted = [...single, ...subscriptions].map((one) => ({
      id: one.messageId,
      at: Number(one.afterSequence),
      over: false,
    }));
    for (const { id } of wanted) {
      if (!this.answers.has(id)) {
        throw failure("MESSAGE_NOT_FOUND", "not_found", "no such message");
      }
    }
    for (const { id, at } of wanted) {
      yield step(id, at, { case: "opened", value: {} });
    }
    while (wanted.some(({ over }) => !over)) {
      signal.throwIfAborted();
      let still = true;
      for (const one of wanted) {
        const log = this.answers.get(one.id);
        if (!log || one.over) {
          continue;
        }
        if (one.at < log.newest) {
          one.at += 1;
          still = false;
          const last = log.done && one.at === log.newest;
          yield last
            ? step(one.id, one.at, { case: "completed", value: {} })
            : step(one.id, one.at, { case: "textDelta", value: { text: "x" } });
        } else if (log.done || !follow) {
          one.over = true;
          still = false;
          const reason = log.done ? StreamEnded_Reason.COMPLETED : StreamEnded_Reason.CAUGHT_UP;
          yield step(one.id, one.at, { case: "streamEnded", value: { reason } });
        }
      }
      if (still) {
        await this.moved(signal);
      }
    }
  }

  private moved(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const forget = () => {
        this.moves.delete(move);
        this.cuts.delete(lose);
        signal.removeEventListener("abort", lose);
      };
      const move = () => {
        forget();
        resolve();
      };
      const lose = () => {
        forget();
        reject(cut);
      };
      this.moves.add(move);
      this.cuts.add(lose);
      signal.addEventListener("abort", lose);
    });
  }
}

type ResponseInit = NonNullable<Parameters<typeof create<typeof WatchEventsResponseSchema>>[1]>["response"];

function response(what: ResponseInit): WatchEventsResponse {
  return create(WatchEventsResponseSchema, { response: what });
}

type StepInit = NonNullable<Parameters<typeof create<typeof MessageEventSchema>>[1]>["event"];

function step(messageId: string, sequence: number, event: StepInit): WatchMessageResponse {
  const made = create(MessageEventSchema, { messageId, sequence: BigInt(sequence), event });
  return create(WatchMessageResponseSchema, { event: made });
}
