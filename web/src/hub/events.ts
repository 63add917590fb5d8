// The session's reading of the workspace's event log. It must not know what the events are about.

import type { CallOptions } from "@connectrpc/connect";
import type { Event, WatchEventsResponse } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { EventsEnded_Reason } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Context } from "./context.ts";
import { Line, type Verdict } from "./line.ts";
import type { Log, Place, Reader } from "./log.ts";
import { itemAfter, sequencedLog } from "./sequenced.ts";

/** A page that is further behind than this lists again: that is less work. */
const CATCH_UP_EVENTS = 20_000n;

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
    this.log = sequencedLog(this.context, at, (after, options) => this.read(after, options));
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
        this.log.push(itemAfter(response.value, end));
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

  private async *read(afterSequence: bigint, options: CallOptions): AsyncGenerator<Event | undefined> {
    const request = { afterSequence, follow: false };
    for await (const { response } of this.context.clients.workspace.watchEvents(request, options)) {
      yield response.case === "event" ? response.value : undefined;
    }
  }
}

/** A reader that gets this reason lists again. */
export const EXPIRED = {
  reason: "CURSOR_EXPIRED",
  code: "out_of_range",
  message: "The log no longer reaches back so far.",
  retryable: false,
  metadata: {},
};
