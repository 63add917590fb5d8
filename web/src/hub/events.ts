// The session's reading of the workspace's event log. It must not know what the events are about.

import { failureOf, isPassing } from "../api/failure.ts";
import type { Event, WatchEventsResponse } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { EventsEnded_Reason } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Context } from "./context.ts";
import { Line, type Verdict } from "./line.ts";
import { Log, type Place, type Reader } from "./log.ts";
import { EVENT_WINDOW } from "./protocol.ts";
import type { Item } from "./ring.ts";

const RING_EVENTS = 2_000;
/** A page that is further behind than this lists again: that is less work. */
const CATCH_UP_EVENTS = 20_000n;
const FETCH_EVENTS = 1_000;
const CATCH_UP_MS = 30_000;

export interface EventPlace {
  place: Place<Event>;
}

export class EventLog {
  private readonly line: Line<WatchEventsResponse>;
  private log: Log<Event> | undefined;

  constructor(private readonly context: Context) {
    this.line = new Line(context, {
      wants: () => this.log !== undefined,
      open: (signal) => this.open(signal),
      take: (message) => this.take(message),
      refused: async (why) => this.refused(why.reason),
    });
  }

  join(after: bigint, reader: Reader<Event>): { leave(): void; taken(amount: number): void } {
    const log = this.log ?? this.begin(after);
    if (after + CATCH_UP_EVENTS < log.ring.floor) {
      reader.failed({ ...EXPIRED });
      return { leave: () => {}, taken: () => {} };
    }
    const place = log.join(reader, after);
    return {
      leave: () => {
        log.leave(place);
        if (log.places.size === 0 && this.log === log) {
          this.log = undefined;
          this.line.refresh();
        }
      },
      taken: (amount) => log.taken(place, amount),
    };
  }

  /** Goes on after the token was used anew. */
  refresh(): void {
    this.line.refresh();
  }

  doubt(): void {
    this.line.doubt();
  }

  close(): void {
    this.line.close();
    this.log?.failAll({ ...EXPIRED, reason: "CLOSED" });
  }

  private begin(at: bigint): Log<Event> {
    this.log = new Log<Event>({
      at,
      ringCost: RING_EVENTS,
      window: EVENT_WINDOW,
      fetch: (from, _room, signal) => this.fetch(from, signal),
      pause: async (why, signal) => {
        if (why && !isPassing(why)) {
          return false;
        }
        await this.context.link.sleep(1_000, signal);
        return !signal.aborted;
      },
      clip: (item) => item,
    });
    this.line.again();
    return this.log;
  }

  private open(signal: AbortSignal): AsyncIterable<WatchEventsResponse> | undefined {
    const after = this.log?.ring.end;
    if (after === undefined) {
      return undefined;
    }
    return this.context.clients.workspace.watchEvents({ afterSequence: after }, { signal });
  }

  private take({ response }: WatchEventsResponse): Verdict {
    if (response.case === "event" && this.log) {
      const { end } = this.log.ring;
      if (response.value.sequence > end) {
        this.log.push(itemOf(response.value, end));
      }
    }
    const stopping =
      response.case === "ended" && response.value.reason === EventsEnded_Reason.SERVER_STOPPING;
    return stopping ? "restarting" : "go on";
  }

  /** The cursor is of no use: everybody lists again. */
  private refused(reason: string): boolean {
    if (reason !== "CURSOR_EXPIRED" && reason !== "CURSOR_AHEAD") {
      return false;
    }
    const log = this.log;
    this.log = undefined;
    log?.failAll({ ...EXPIRED });
    return true;
  }

  private async fetch(from: bigint, signal: AbortSignal): Promise<Item<Event>[]> {
    const release = await this.context.spare.take(signal);
    const found: Item<Event>[] = [];
    const done = new AbortController();
    try {
      const request = { afterSequence: from, follow: false };
      const both = AbortSignal.any([signal, done.signal]);
      for await (const { response } of this.context.clients.workspace.watchEvents(request, {
        signal: both,
        timeoutMs: CATCH_UP_MS,
      })) {
        if (response.case === "event") {
          found.push(itemOf(response.value, found.at(-1)?.end ?? from));
        }
        if (found.length >= FETCH_EVENTS) {
          break;
        }
      }
    } catch (error) {
      if (found.length === 0) {
        throw failureOf(error);
      }
    } finally {
      done.abort();
      release();
    }
    return found;
  }
}

/** Filters aside, sequences have no gap; if one had, its reader would rather go on than stop. */
function itemOf(event: Event, after: bigint): Item<Event> {
  return { start: after, end: event.sequence, cost: 1, value: event };
}

/** A reader that gets this reason lists again. */
export const EXPIRED = {
  reason: "CURSOR_EXPIRED",
  code: "out_of_range",
  message: "The log no longer reaches back so far.",
  retryable: false,
  metadata: {},
};
