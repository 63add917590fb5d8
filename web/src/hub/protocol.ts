// Every message between a page and its hub. No code, and nothing that cannot be cloned.
//
// A page names its subscriptions by numbers of its own. It keeps the cursor of each, so whatever becomes of the
// hub, the next one is asked for the rest by the same messages.

import type { Failure } from "../api/failure.ts";
import type { MessageEvent } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Gap, TerminalEvent } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Event } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Connection, OpenedTerminal, TerminalStart } from "./hub.ts";

/** What may be under way to one reader before it says that it has taken some. */
export const TERMINAL_WINDOW_BYTES = 512 * 1024;
export const EVENT_WINDOW = 500;

export type ToHub =
  /** First. `lock` is the name of a Web Lock that the page holds as long as it lives, if it can. */
  | { kind: "hello"; token: string; lock?: string }
  | { kind: "events"; id: number; after: bigint }
  /** `underWay`: bytes that a hub before gave to this reader, and that it has not taken yet. */
  | { kind: "terminal"; id: number; terminalId: string; start: TerminalStart; underWay: number }
  | { kind: "message"; id: number; messageId: string; after: bigint }
  | { kind: "drop"; id: number }
  /** So much of what was sent has been taken: bytes of a terminal, events of the others. */
  | { kind: "taken"; id: number; amount: number }
  /** The page became visible, the machine came online, or a call succeeded: try again at once. */
  | { kind: "wake" }
  /** A call did not get through: the streams may be dead without a word. */
  | { kind: "doubt" }
  /** Still there; only from pages that hold no lock. */
  | { kind: "alive" }
  | { kind: "bye" };

/** One step of a terminal, in its order. */
export type TerminalItem = { output: Uint8Array; offset: bigint } | { gap: Gap } | { event: TerminalEvent };

export type FromHub =
  /** Answers `hello`. `lock` is held by the hub as long as it lives, if it can. */
  | { kind: "welcome"; lock?: string }
  /** The page was silent for so long that it was forgotten: it says hello and subscribes anew. */
  | { kind: "forgotten" }
  | { kind: "connection"; connection: Connection }
  | { kind: "events"; id: number; events: Event[] }
  | { kind: "expired"; id: number }
  | ({ kind: "opened"; id: number } & OpenedTerminal)
  | { kind: "items"; id: number; items: TerminalItem[] }
  | { kind: "message"; id: number; events: MessageEvent[] }
  | { kind: "finished"; id: number }
  | { kind: "failed"; id: number; why: Failure };
