// What the session keeps of a terminal, and what its readers ask for and get. Types only: it must not know how.

import type { Terminal } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { OpenedTerminal, TerminalStart } from "./hub.ts";
import type { Log, Reader } from "./log.ts";
import type { TerminalItem } from "./protocol.ts";

export interface TerminalReaderSink extends Reader<TerminalItem> {
  opened(at: OpenedTerminal): void;
}

export interface Shell {
  id: string;
  log: Log<TerminalItem>;
  /** As it was when last heard of. */
  terminal: Terminal;
  followed: boolean;
  /** A stream that reads it was opened: this hub is one of its viewers. */
  opened: boolean;
  /** It was pulled, which brings bytes alone: its size or its title may have changed meanwhile. */
  unmarked: boolean;
  readers: Set<TerminalReaderSink>;
  /** The newest stream that has opened it: events of older ones are not taken. */
  stream: number;
  lingering?: ReturnType<typeof setTimeout>;
}

/** What a reader asks for. */
export interface Wanted {
  terminalId: string;
  start: TerminalStart;
  /** Bytes that another hub gave to it, and that it has not taken yet. */
  underWay: number;
}

export interface Joined {
  leave(): void;
  taken(amount: number): void;
}
