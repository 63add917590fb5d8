// What a page has subscribed to: each with the cursor from which a new hub goes on.
//
// It must not know where the hub is, nor what readers do with what they get.

import type { EventReader, MessageReader, OpenedTerminal, TerminalReader, TerminalStart } from "./hub.ts";
import type { FromHub, TerminalItem, ToHub } from "./protocol.ts";

/** Small words are gathered: a reader's window is much larger. */
const TAKEN_BYTES = 32 * 1024;

export type ForSubscription = Exclude<FromHub, { kind: "welcome" | "forgotten" | "connection" }>;
type Post = (message: ToHub) => void;

export interface Subscription {
  over: boolean;
  /** Its number with the hub of now; another one with the next, so that old words are not taken for new ones. */
  id: number;
  /** Asks for what is still missing. */
  request(): ToHub;
  take(message: ForSubscription): void;
}

export class EventSubscription implements Subscription {
  over = false;

  constructor(
    public id: number,
    private cursor: bigint,
    private readonly reader: EventReader,
    private readonly post: Post,
  ) {}

  request(): ToHub {
    return { kind: "events", id: this.id, after: this.cursor };
  }

  take(message: ForSubscription): void {
    if (message.kind === "events") {
      for (const event of message.events) {
        if (event.sequence > this.cursor && !this.over) {
          this.cursor = event.sequence;
          this.reader.event(event);
        }
      }
      this.post({ kind: "taken", id: this.id, amount: message.events.length });
    } else if (message.kind === "expired") {
      this.over = true;
      this.reader.expired();
    } else if (message.kind === "failed") {
      this.over = true;
      this.reader.failed?.(message.why);
    }
  }
}

export class MessageSubscription implements Subscription {
  over = false;

  constructor(
    public id: number,
    private readonly messageId: string,
    private cursor: bigint,
    private readonly reader: MessageReader,
    private readonly post: Post,
  ) {}

  request(): ToHub {
    return { kind: "message", id: this.id, messageId: this.messageId, after: this.cursor };
  }

  take(message: ForSubscription): void {
    if (message.kind === "message") {
      for (const event of message.events) {
        if (event.sequence > this.cursor && !this.over) {
          this.cursor = event.sequence;
          this.reader.event(event);
        }
      }
      this.post({ kind: "taken", id: this.id, amount: message.events.length });
    } else if (message.kind === "finished") {
      this.over = true;
      this.reader.finished();
    } else if (message.kind === "failed") {
      this.over = true;
      this.reader.failed(message.why);
    }
  }
}

export class TerminalSubscription implements Subscription {
  over = false;
  private cursor: bigint | undefined;
  /** Where the output ended when this reader came. */
  private historyEnd = 0n;
  private takenBytes = 0;
  /** Given to the reader, which is not done with it. */
  private underWay = 0;

  constructor(
    public id: number,
    private readonly terminalId: string,
    private readonly start: TerminalStart,
    private readonly reader: TerminalReader,
    private readonly post: Post,
  ) {}

  request(): ToHub {
    const start = this.cursor === undefined ? this.start : { offset: this.cursor };
    this.takenBytes = 0;
    return { kind: "terminal", id: this.id, terminalId: this.terminalId, start, underWay: this.underWay };
  }

  take(message: ForSubscription): void {
    if (message.kind === "opened") {
      this.opened(message);
    } else if (message.kind === "items") {
      for (const item of message.items) {
        if (!this.over) {
          this.item(item);
        }
      }
    } else if (message.kind === "failed") {
      this.over = true;
      this.reader.failed(message.why);
    }
  }

  private opened({ offset, outputEnd, terminal, others }: OpenedTerminal): void {
    const first = this.cursor === undefined;
    const moved = this.cursor !== offset;
    this.cursor = offset;
    if (first) {
      this.historyEnd = outputEnd;
    }
    if (first || moved) {
      this.reader.opened({ offset, outputEnd, terminal, others });
    }
  }

  private item(item: TerminalItem): void {
    const cursor = this.cursor ?? 0n;
    if ("output" in item) {
      const { offset, output } = item;
      const skip = offset < cursor ? Math.min(Number(cursor - offset), output.length) : 0;
      this.taken(skip);
      if (skip < output.length) {
        this.cursor = offset + BigInt(output.length);
        this.output(output.subarray(skip), offset + BigInt(skip));
      }
    } else if ("gap" in item) {
      if (item.gap.to > cursor) {
        this.cursor = item.gap.to;
        this.reader.gap(item.gap);
      }
    } else {
      this.over = item.event.event.case === "exited";
      this.reader.event(item.event);
    }
  }

  /** History and what is new never come in one piece: they are answered differently. */
  private output(data: Uint8Array, offset: bigint): void {
    const history = this.historyEnd > offset ? Number(this.historyEnd - offset) : 0;
    if (history > 0) {
      this.hand(data.subarray(0, history), offset, true);
    }
    if (history < data.length && !this.over) {
      this.hand(data.subarray(history), offset + BigInt(history), false);
    }
  }

  private hand(data: Uint8Array, offset: bigint, history: boolean): void {
    let taken = false;
    this.underWay += data.length;
    const done = () => {
      if (!taken) {
        taken = true;
        this.underWay -= data.length;
        this.taken(data.length);
      }
    };
    this.reader.output({ offset, data, history, done });
  }

  private taken(bytes: number): void {
    this.takenBytes += bytes;
    if (this.takenBytes >= TAKEN_BYTES) {
      const amount = this.takenBytes;
      this.takenBytes = 0;
      this.post({ kind: "taken", id: this.id, amount });
    }
  }
}
