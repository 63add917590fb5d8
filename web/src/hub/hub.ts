// What a page asks of its hub, and the promises that it gets: the types, no code.
//
// The hub owns every stream of every tab: one SharedWorker for an origin, or, where there is none, the tab
// that holds a lock. It must not know what the page shows. Each reader has a cursor: whatever dies in
// between (the connection, the server, the tab that led), a reader goes on where it was, without a gap and
// without a duplicate.

import type { Failure } from "../api/failure.ts";
import type { MessageEvent } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Gap, Terminal, TerminalEvent } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Event } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";

/** How the hub and the server get on. */
export type Connection =
  | { state: "connecting" }
  | { state: "online" }
  /** It is tried again at `retryAt` (milliseconds since 1970), and at once when the page becomes visible. */
  | { state: "lost"; since: number; retryAt: number; why: Failure }
  /** The server said that it stops; it is expected back. */
  | { state: "restarting"; since: number }
  /** The token is refused, revoked or has expired: sign in again. */
  | { state: "refused"; why: Failure };

/** Something to read now and to be told about when it changes. */
export interface Readable<T> {
  get(): T;
  /** Calls at every change until the answer is called. */
  subscribe(changed: () => void): () => void;
}

/** Ends a subscription; harmless to call twice. */
export type Unsubscribe = () => void;

export interface EventReader {
  /** Each event after the cursor, once and in order. */
  event(event: Event): void;
  /** The log no longer reaches back to the cursor: list again, then subscribe anew. Nothing follows. */
  expired(): void;
  failed?(why: Failure): void;
}

/** Where to begin with a terminal. */
export type TerminalStart = { offset: bigint } | { tailBytes: bigint };

/** Where a reader is, in which terminal. */
export interface OpenedTerminal {
  offset: bigint;
  outputEnd: bigint;
  terminal: Terminal;
  /** Readers of it that do not read through this hub. */
  others: number;
}

export interface TerminalReader {
  /** First, and again whenever the position was not what was asked for. */
  opened(at: OpenedTerminal): void;
  /**
   * Bytes of output, in order and once. `history` is true for what had been printed before this reader came:
   * the answers that xterm gives to queries in it must not be sent. Call `done` when they are on the screen: the hub
   * keeps at most 512 KiB under way to a reader, so that a slow tab slows nobody else.
   */
  output(chunk: { offset: bigint; data: Uint8Array; history: boolean; done: () => void }): void;
  gap(gap: Gap): void;
  /** Everything else: resized, titleChanged, exited. */
  event(event: TerminalEvent): void;
  failed(why: Failure): void;
}

export interface MessageReader {
  /** Each event of the answer's log, once and in order; `opened` and heartbeats are left out. */
  event(event: MessageEvent): void;
  /** The answer is finished and every event was given. Nothing follows. */
  finished(): void;
  failed(why: Failure): void;
}

/** How typing into a terminal goes. */
export interface Typing {
  /** Bytes that the server has not accepted yet. */
  pendingBytes: number;
  /**
   * Why nothing is accepted now (undefined: all is well). With bytes pending it goes on by itself when it can.
   * Without, what waited was given up: the terminal has ended, one may not type, or (TYPING_UNCLEAR) nobody knows
   * whether it was typed.
   */
  problem?: Failure;
}

export interface Hub {
  readonly connection: Readable<Connection>;

  /** Reads the workspace's events after a sequence (of a list's answer). */
  events(after: bigint, reader: EventReader): Unsubscribe;

  /** Reads a terminal. All terminals of all tabs share one stream. */
  terminal(terminalId: string, start: TerminalStart, reader: TerminalReader): Unsubscribe;

  /** Reads an answer's events after a sequence. All answers of all tabs share one stream. */
  message(messageId: string, after: bigint, reader: MessageReader): Unsubscribe;

  /**
   * Types into a terminal. This page has one queue for each terminal, with one call under way at a time; what waits
   * is joined; sent again after a lost connection, never typed twice. At most 1 MiB waits; answers false beyond it,
   * and nothing of the data is taken.
   */
  type(terminalId: string, data: Uint8Array): boolean;
  typing(terminalId: string): Readable<Typing>;

  /** The size of this page's window for a terminal; the newest one is sent, once the one before is answered. */
  resize(terminalId: string, cols: number, rows: number): void;

  /** Tries to reach the server now, instead of at `retryAt`. */
  wake(): void;

  /** Leaves: all subscriptions of this page end. */
  close(): void;
}
