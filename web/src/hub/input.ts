// What was typed into one terminal, until the server has accepted it: in order, and never twice.
//
// The server takes each (writer, sequence) once, so a call may be sent again as often as need be, as long as its
// bytes stay the same. Therefore a call is *frozen* when it is first sent, and what is typed meanwhile waits for
// the next one.
//
// The queue lives in the page that was typed into, not in the hub: whoever must be able to send a call again has to
// own its number. If the hub numbered what pages type, its death between the server's acceptance and the word of it
// would leave the page with bytes of which nobody knows whether they were typed. So the death of a worker or of a
// leading tab does not touch what was typed, there is no hop on the way of a key, and each window is a writer of
// its own, as the size of a terminal needs it. What only this page knows is lost with it; so it says farewell: it
// sends everything once more as it goes. It must not know how calls are made.

import { type Failure, failureOf } from "../api/failure.ts";
import type { Typing } from "./hub.ts";
import { pauseMs } from "./link.ts";

export const WAITING_BYTES_MAX = 1024 * 1024;
export const CALL_BYTES_MAX = 256 * 1024;

/** A call with its number. It may be made again, but never changed. */
export interface Call {
  writerId: string;
  sequence: bigint;
  data: Uint8Array;
}

interface Frozen extends Call {
  /** It was sent, and what became of it is not known. */
  uncertain: boolean;
}

export interface InputOptions {
  /** Resolves when the server has accepted the call. */
  write(call: Call): Promise<void>;
  newWriter(): string;
  /** Waits, but no longer than until there is a reason to hope. */
  pause(ms: number): Promise<void>;
  changed(): void;
}

/** What becomes of a call that failed. */
type Fate = "again" | "new writer" | "give up";

export class InputQueue {
  private writer: string;
  private sequence = 0n;
  private readonly frozen: Frozen[] = [];
  private waiting: Uint8Array[] = [];
  private bytes = 0;
  private problem: Failure | undefined;
  private failures = 0;
  private running = false;
  private closed = false;

  constructor(private readonly options: InputOptions) {
    this.writer = options.newWriter();
  }

  get writerId(): string {
    return this.writer;
  }

  get state(): Typing {
    return this.problem ? { pendingBytes: this.bytes, problem: this.problem } : { pendingBytes: this.bytes };
  }

  get idle(): boolean {
    return this.bytes === 0;
  }

  /** Takes all of it, or nothing. */
  push(data: Uint8Array): boolean {
    if (this.closed || this.bytes + data.length > WAITING_BYTES_MAX) {
      return false;
    }
    if (data.length === 0) {
      return true;
    }
    this.waiting.push(data);
    this.bytes += data.length;
    if (!this.running) {
      this.problem = undefined;
      void this.run();
    }
    this.options.changed();
    return true;
  }

  /** Freezes everything, to be sent once more at the last moment. The queue goes on if it was not the last. */
  farewell(bytesMax: number): Call[] {
    this.freeze();
    const calls: Call[] = [];
    let room = bytesMax;
    for (const call of this.frozen) {
      room -= call.data.length;
      if (room < 0) {
        break;
      }
      call.uncertain = true;
      calls.push(call);
    }
    return calls;
  }

  close(): void {
    this.closed = true;
    this.clear();
  }

  private async run(): Promise<void> {
    this.running = true;
    while (!this.closed) {
      if (this.frozen.length === 0) {
        this.freeze(1);
      }
      const [call] = this.frozen;
      if (!call) {
        break;
      }
      try {
        await this.options.write(call);
        this.accepted(call);
      } catch (error) {
        await this.failed(call, failureOf(error));
      }
    }
    this.running = false;
  }

  private accepted(call: Frozen): void {
    if (this.closed) {
      return;
    }
    this.frozen.shift();
    this.bytes -= call.data.length;
    this.problem = undefined;
    this.failures = 0;
    this.options.changed();
  }

  private async failed(call: Frozen, why: Failure): Promise<void> {
    if (this.closed) {
      return;
    }
    const fate = fateOf(call, why);
    if (fate === "new writer") {
      this.renumber();
      return;
    }
    if (fate === "give up") {
      this.clear();
      this.problem = isUnclear(why) ? unclear(why) : why;
      this.options.changed();
      return;
    }
    call.uncertain ||= isDoubtful(why);
    this.failures += 1;
    this.problem = why;
    this.options.changed();
    await this.options.pause(why.retryAfterMs ?? pauseMs(this.failures, Math.random()));
  }

  /** Joins what waits into calls, at most so many. */
  private freeze(most = Number.POSITIVE_INFINITY): void {
    for (let made = 0; made < most && this.waiting.length > 0; made++) {
      this.sequence += 1n;
      const data = this.join();
      this.frozen.push({ writerId: this.writer, sequence: this.sequence, data, uncertain: false });
    }
  }

  private join(): Uint8Array {
    const [only] = this.waiting;
    if (only && this.waiting.length === 1 && only.length <= CALL_BYTES_MAX) {
      this.waiting = [];
      return only;
    }
    const parts: Uint8Array[] = [];
    let length = 0;
    let taken = 0;
    for (const part of this.waiting) {
      const room = CALL_BYTES_MAX - length;
      if (room === 0) {
        break;
      }
      const fits = part.subarray(0, room);
      parts.push(fits);
      length += fits.length;
      if (fits.length < part.length) {
        this.waiting[taken] = part.subarray(room);
        break;
      }
      taken += 1;
    }
    this.waiting.splice(0, taken);
    const joined = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  /** Nothing of what is frozen was taken: it goes on as another writer, from 1. */
  private renumber(): void {
    this.writer = this.options.newWriter();
    this.sequence = 0n;
    for (const call of this.frozen) {
      this.sequence += 1n;
      call.writerId = this.writer;
      call.sequence = this.sequence;
    }
  }

  private clear(): void {
    this.frozen.length = 0;
    this.waiting = [];
    this.bytes = 0;
    this.failures = 0;
    // What was given up may yet arrive under its number.
    this.writer = this.options.newWriter();
    this.sequence = 0n;
  }
}

function fateOf(call: Frozen, why: Failure): Fate {
  if (why.reason === "WRITER_UNKNOWN" || why.reason === "SEQUENCE_GAP") {
    // An earlier try of this call may have been typed before the server forgot the writer.
    return call.uncertain ? "give up" : "new writer";
  }
  switch (why.code) {
    case "permission_denied":
    case "unauthenticated":
    case "not_found":
    case "invalid_argument":
    case "failed_precondition":
    case "unimplemented":
      return "give up";
    case "resource_exhausted":
      return why.reason === "MESSAGE_TOO_LARGE" ? "give up" : "again";
    default:
      return "again";
  }
}

/** True if the server may have accepted the call although it failed. */
function isDoubtful(why: Failure): boolean {
  return why.code !== "resource_exhausted";
}

function isUnclear(why: Failure): boolean {
  return why.reason === "WRITER_UNKNOWN" || why.reason === "SEQUENCE_GAP";
}

function unclear(why: Failure): Failure {
  const message =
    "The connection was lost while this was typed, and the server has forgotten meanwhile whether it took it. " +
    "Look at the terminal, and type again what is missing.";
  return { ...why, reason: "TYPING_UNCLEAR", message, retryable: false };
}
