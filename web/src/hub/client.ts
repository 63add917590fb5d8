// A page's end of the hub: its subscriptions with their cursors, and its typing.
//
// The page keeps every cursor itself. When a hub comes (the first, or the next after one that died) it says hello
// and subscribes to everything anew from there, so nothing is lost or doubled by the death of a hub. It must not
// know where the hub runs.

import type { Failure } from "../api/failure.ts";
import { uuidv7 } from "../api/uuid.ts";
import { type Channel, openChannel } from "./channel.ts";
import type {
  Connection,
  EventReader,
  Hub,
  MessageReader,
  Readable,
  TerminalReader,
  TerminalStart,
  Typing,
  Unsubscribe,
} from "./hub.ts";
import { hold, locks } from "./locks.ts";
import type { FromHub, ToHub } from "./protocol.ts";
import { Cell } from "./readable.ts";
import {
  EventSubscription,
  MessageSubscription,
  type Subscription,
  TerminalSubscription,
} from "./subscriptions.ts";
import { Typist } from "./typing.ts";

/** How often a page that can hold no lock says that it lives. */
const ALIVE_MS = 30_000;

export function openHub(token: string): Hub {
  return new HubClient(token);
}

export class HubClient implements Hub {
  readonly connection = new Cell<Connection>({ state: "connecting" });
  private readonly subscriptions = new Map<number, Subscription>();
  private readonly typist: Typist;
  private channel: Channel | undefined;
  private release: (() => void) | undefined;
  private lock: string | undefined;
  /** It has said hello, and was not welcomed yet. */
  private greeting = false;
  private numbers = 0;
  private closed = false;
  private readonly closing = new AbortController();

  constructor(private readonly token: string) {
    this.typist = new Typist(token, (why) => this.noticed(why));
    this.listen();
    if (!locks()) {
      const timer = setInterval(() => this.post({ kind: "alive" }), ALIVE_MS);
      this.closing.signal.addEventListener("abort", () => clearInterval(timer));
    }
    void this.begin();
  }

  events(after: bigint, reader: EventReader): Unsubscribe {
    return this.add((id) => new EventSubscription(id, after, reader, this.post));
  }

  terminal(terminalId: string, start: TerminalStart, reader: TerminalReader): Unsubscribe {
    return this.add((id) => new TerminalSubscription(id, terminalId, start, reader, this.post));
  }

  message(messageId: string, after: bigint, reader: MessageReader): Unsubscribe {
    return this.add((id) => new MessageSubscription(id, messageId, after, reader, this.post));
  }

  type(terminalId: string, data: Uint8Array): boolean {
    return !this.closed && this.typist.type(terminalId, data);
  }

  typing(terminalId: string): Readable<Typing> {
    return this.typist.typing(terminalId);
  }

  resize(terminalId: string, cols: number, rows: number): void {
    if (!this.closed) {
      this.typist.resize(terminalId, { cols, rows });
    }
  }

  /** What became of a call of the page's own: it may know better than the streams how things are. */
  noticed(why: Failure | undefined): void {
    const { state } = this.connection.get();
    if (!why && (state === "lost" || state === "restarting")) {
      this.post({ kind: "wake" });
    } else if (isDoubtful(why) && state === "online") {
      this.post({ kind: "doubt" });
    }
  }

  wake(): void {
    this.post({ kind: "wake" });
    this.typist.wake();
  }

  close(): void {
    if (this.closed) {
      return;
    }
    this.post({ kind: "bye" });
    this.closed = true;
    this.closing.abort();
    this.typist.close();
    this.subscriptions.clear();
    // The hub takes the fall of the lock for the page's end; "bye" has to be on its way before.
    this.channel?.close();
    this.release?.();
  }

  private readonly post = (message: ToHub): void => {
    if (!this.closed) {
      this.channel?.post(message);
    }
  };

  /** The lock is held before the hub hears of it: it would take one that is free for the end of this page. */
  private async begin(): Promise<void> {
    const lock = locks() ? `mosaic page ${uuidv7()}` : undefined;
    this.lock = lock;
    this.release = lock ? await hold(lock) : undefined;
    if (this.closed) {
      this.release?.();
      return;
    }
    this.channel = openChannel({
      up: () => this.meet(),
      message: (message) => this.take(message),
    });
  }

  private meet(): void {
    const { token, lock } = this;
    this.greeting = true;
    this.post(lock ? { kind: "hello", token, lock } : { kind: "hello", token });
    this.subscribeAgain();
  }

  private comeBack(): void {
    this.channel?.close();
    this.release?.();
    void this.begin();
  }

  private subscribeAgain(): void {
    const all = [...this.subscriptions.values()];
    this.subscriptions.clear();
    for (const subscription of all) {
      subscription.id = ++this.numbers;
      this.subscriptions.set(subscription.id, subscription);
      this.post(subscription.request());
    }
  }

  private add(make: (id: number) => Subscription): Unsubscribe {
    const subscription = make(++this.numbers);
    this.subscriptions.set(subscription.id, subscription);
    this.post(subscription.request());
    return () => {
      subscription.over = true;
      if (this.subscriptions.delete(subscription.id)) {
        this.post({ kind: "drop", id: subscription.id });
      }
    };
  }

  private take(message: FromHub): void {
    if (this.closed) {
      return;
    }
    if (message.kind === "welcome") {
      this.greeting = false;
      return;
    }
    if (message.kind === "forgotten") {
      // Each message that was on its way is answered so.
      if (!this.greeting) {
        this.meet();
      }
      return;
    }
    if (message.kind === "connection") {
      if (message.connection.state === "online") {
        this.typist.wake();
      }
      this.connection.set(message.connection);
      return;
    }
    const subscription = this.subscriptions.get(message.id);
    if (subscription && !subscription.over) {
      subscription.take(message);
      if (subscription.over) {
        this.subscriptions.delete(message.id);
      }
    }
  }

  private listen(): void {
    const { signal } = this.closing;
    const wake = () => {
      if (document.visibilityState === "visible") {
        this.wake();
      }
    };
    document.addEventListener("visibilitychange", wake, { signal });
    window.addEventListener("online", wake, { signal });
    window.addEventListener(
      "pagehide",
      () => {
        this.typist.farewell();
        if (!locks()) {
          this.post({ kind: "bye" });
        }
      },
      { signal },
    );
    // The browser kept the page and shows it again: its lock has fallen meanwhile, and the hub takes it for gone.
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.comeBack(), { signal });
    window.addEventListener(
      "beforeunload",
      (event) => {
        // What the server did not take would be lost with the page; the browser asks.
        if (this.typist.pending && this.connection.get().state !== "online") {
          event.preventDefault();
        }
      },
      { signal },
    );
  }
}

/** The call may have met a server that is not there any more. */
function isDoubtful(why: Failure | undefined): boolean {
  return why?.code === "unavailable" || why?.code === "deadline_exceeded";
}
