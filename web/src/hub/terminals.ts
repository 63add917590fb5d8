// The session's reading of terminals: all live ones on one stream, what lies further back in ranges.
//
// A terminal is *followed* (on the stream, its newest output in a ring) or *pulled* (each reader fetches ranges at
// its own pace). It is pulled while its readers are far from the end: at first, and when it prints faster than
// anybody reads; so the server never sends what nobody takes. It must not know what the output says.

import { type Failure, failure, failureOf } from "../api/failure.ts";
import {
  StreamEnded_Reason,
  type Terminal,
  type TerminalEvent,
  type WatchResponse,
} from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Context } from "./context.ts";
import { Line, type Verdict } from "./line.ts";
import { Log } from "./log.ts";
import { TERMINAL_WINDOW_BYTES, type TerminalItem } from "./protocol.ts";
import type { Item } from "./ring.ts";
import type { Joined, Shell, TerminalReaderSink, Wanted } from "./shell.ts";
import { lookAt, pause, probe, readRange } from "./terminal-calls.ts";
import { clipOutput, costOf, exited, isLive, marked, markItem, marksOf, placeOf } from "./terminal-items.ts";

const RING_BYTES = 1024 * 1024;
/** A reader that begins nearer to the end than this is served by the stream alone. */
const FOLLOW_BYTES = 256n * 1024n;
const LINGER_MS = 5_000;
/** The server takes so many on one stream. */
const FOLLOWED_MAX = 64;

export class TerminalLogs {
  private readonly shells = new Map<string, Shell>();
  private readonly line: Line<WatchResponse>;

  constructor(private readonly context: Context) {
    this.line = new Line(context, {
      wants: () => this.wanted().length > 0,
      open: (signal) => this.open(signal),
      take: ({ event }, stream) => this.take(event, stream),
      refused: () => this.findBad(),
    });
  }

  join(wanted: Wanted, reader: TerminalReaderSink): Joined {
    const gone = new AbortController();
    let joined: Joined | undefined;
    /** Taken before the reader has its place. */
    let early = 0;
    void this.begin(wanted, reader, gone.signal).then((place) => {
      if (gone.signal.aborted) {
        place?.leave();
      } else {
        joined = place;
        joined?.taken(early);
      }
    });
    return {
      leave: () => {
        gone.abort();
        joined?.leave();
      },
      taken: (amount) => {
        early += joined ? 0 : amount;
        joined?.taken(amount);
      },
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
    for (const shell of this.shells.values()) {
      clearTimeout(shell.lingering);
      shell.log.failAll(failure("CLOSED", "canceled", "The hub was closed."));
    }
    this.shells.clear();
  }

  private async begin(
    { terminalId, start, underWay }: Wanted,
    reader: TerminalReaderSink,
    signal: AbortSignal,
  ): Promise<Joined | undefined> {
    const terminal = await lookAt(this.context, terminalId, signal, (why) => reader.failed(why));
    if (!terminal || signal.aborted) {
      return undefined;
    }
    const offset = placeOf(start, terminal);
    const own = this.shells.get(terminal.id)?.opened ? 1 : 0;
    const others = Math.max(0, terminal.viewers - own);
    reader.opened({ offset, outputEnd: terminal.outputEnd, terminal, others });
    const shell = this.shells.get(terminal.id) ?? this.found(terminal, offset);
    clearTimeout(shell.lingering);
    shell.readers.add(reader);
    const place = shell.log.join(reader, offset, underWay);
    return {
      leave: () => {
        shell.log.leave(place);
        shell.readers.delete(reader);
        this.linger(shell);
      },
      taken: (amount) => shell.log.taken(place, amount),
    };
  }

  private found(terminal: Terminal, offset: bigint): Shell {
    const { id } = terminal;
    const log: Log<TerminalItem> = new Log<TerminalItem>({
      at: offset,
      ringCost: RING_BYTES,
      window: TERMINAL_WINDOW_BYTES,
      fetch: (from, room, signal) => this.fetch(shell, from, room, signal),
      pause: (why, signal) => pause(this.context, why, signal),
      clip: clipOutput,
      overrun: () => this.pull(shell),
      missed: (at) => marksOf(shell.terminal, at).map((event) => markItem(event, at)),
    });
    const shell: Shell = {
      id,
      log,
      terminal,
      followed: false,
      opened: false,
      unmarked: true,
      readers: new Set(),
      stream: 0,
    };
    this.shells.set(id, shell);
    if (isLive(terminal) && terminal.outputEnd - offset <= FOLLOW_BYTES) {
      this.follow(shell, offset);
    } else {
      log.detach();
    }
    return shell;
  }

  private follow(shell: Shell, at: bigint): void {
    if (this.wanted().length >= FOLLOWED_MAX) {
      // There is no room on the stream: its readers go on asking, every now and then.
      shell.log.detach();
      return;
    }
    shell.followed = true;
    // A stream from before it was pulled may still bring something of it, from somewhere else.
    shell.stream = this.line.upcoming;
    shell.log.attach(at);
    this.line.refresh();
  }

  private pull(shell: Shell): void {
    if (shell.followed) {
      shell.followed = false;
      shell.opened = false;
      shell.unmarked = true;
      shell.log.detach();
      this.line.refresh();
    }
  }

  private linger(shell: Shell): void {
    clearTimeout(shell.lingering);
    if (shell.log.places.size > 0) {
      return;
    }
    shell.lingering = setTimeout(() => {
      if (shell.log.places.size === 0) {
        this.forget(shell);
      }
    }, LINGER_MS);
  }

  private forget(shell: Shell): void {
    clearTimeout(shell.lingering);
    if (this.shells.get(shell.id) === shell) {
      this.shells.delete(shell.id);
    }
    if (shell.followed) {
      shell.followed = false;
      this.line.refresh();
    }
  }

  private fail(shell: Shell, why: Failure): void {
    this.forget(shell);
    shell.log.failAll(why);
  }

  private wanted(): Shell[] {
    return [...this.shells.values()].filter((shell) => shell.followed);
  }

  private open(signal: AbortSignal): AsyncIterable<WatchResponse> | undefined {
    const subscriptions = this.wanted().map(({ id, log }) => ({
      terminalId: id,
      start: { case: "offset" as const, value: log.ring.end },
    }));
    if (subscriptions.length === 0) {
      return undefined;
    }
    return this.context.clients.terminals.watch({ subscriptions }, { signal });
  }

  private take(event: TerminalEvent | undefined, stream: number): Verdict {
    const shell = event && this.shells.get(event.terminalId);
    if (!event || !shell?.followed || stream < shell.stream) {
      return "go on";
    }
    const what = event.event;
    switch (what.case) {
      case "opened":
        shell.stream = stream;
        shell.opened = true;
        if (shell.unmarked && what.value.terminal) {
          this.catchUp(shell, what.value.terminal);
        }
        break;
      case "output":
        this.append(shell, { output: what.value.data, offset: what.value.offset }, what.value.endOffset);
        break;
      case "gap":
        this.append(shell, { gap: what.value }, what.value.to);
        break;
      case "streamEnded":
        return this.streamEnded(shell, what.value.reason);
      case "resized":
      case "titleChanged":
        this.mark(shell, event);
        break;
      case "exited":
        this.mark(shell, event);
        this.over(shell);
        break;
      default:
        break;
    }
    return "go on";
  }

  /** Two streams may bring the same bytes while one follows the other: what is there already is left out. */
  private append(shell: Shell, value: TerminalItem, end: bigint): void {
    const at = shell.log.ring.end;
    const start = "output" in value ? value.offset : "gap" in value ? value.gap.from : at;
    if (end <= at) {
      return;
    }
    if (start > at) {
      // Never sent by a server that keeps its word: begin again where we are.
      this.line.again();
      return;
    }
    const item = { start, end, cost: costOf(value), value };
    shell.log.push(start < at ? clipOutput(item, at) : item);
  }

  private mark(shell: Shell, event: TerminalEvent): void {
    shell.terminal = marked(shell.terminal, event);
    shell.log.push(markItem(event, shell.log.ring.end));
  }

  /** What changed but the output while it was pulled. */
  private catchUp(shell: Shell, terminal: Terminal): void {
    shell.unmarked = false;
    for (const event of marksOf(terminal, shell.log.ring.end)) {
      this.mark(shell, event);
    }
  }

  private over(shell: Shell): void {
    shell.followed = false;
    shell.log.end();
    this.linger(shell);
  }

  private streamEnded(shell: Shell, reason: StreamEnded_Reason): Verdict {
    if (reason === StreamEnded_Reason.SERVER_STOPPING) {
      return "restarting";
    }
    if (reason === StreamEnded_Reason.DELETED) {
      this.fail(shell, failure("TERMINAL_NOT_FOUND", "not_found", "The terminal was deleted."));
    } else if (reason === StreamEnded_Reason.DETACHED) {
      this.fail(shell, failure("DETACHED", "canceled", "Somebody ended this view of the terminal."));
    } else if (!shell.log.over) {
      this.over(shell);
    }
    return "go on";
  }

  private async fetch(
    shell: Shell,
    from: bigint,
    room: number,
    signal: AbortSignal,
  ): Promise<Item<TerminalItem>[]> {
    const { range, items } = await readRange(this.context, shell.id, from, room, signal);
    if (!shell.followed && !shell.log.over && range.endOffset >= range.outputEnd) {
      await this.reached(shell, range.endOffset, range.atEnd, signal);
    }
    return items;
  }

  /** A reader has everything up to the end: the stream takes over, or the terminal is over. */
  private async reached(shell: Shell, at: bigint, ended: boolean, signal: AbortSignal): Promise<void> {
    if (!ended) {
      this.follow(shell, at);
      return;
    }
    const request = { terminalId: shell.id };
    const { terminal } = await this.context.clients.terminals.getTerminal(request, { signal });
    if (shell.followed || shell.log.over) {
      return;
    }
    shell.log.attach(at);
    if (terminal) {
      this.catchUp(shell, terminal);
    }
    this.mark(shell, exited(shell.id, terminal?.exit, at));
    this.over(shell);
  }

  /** The server refuses the stream because of one of the terminals: finds out which. */
  private async findBad(): Promise<boolean> {
    let found = false;
    for (const shell of this.wanted()) {
      const why = await probe(this.context, shell.id, shell.log.ring.end);
      if (why?.reason === "CURSOR_AHEAD") {
        found = true;
        await this.moveBack(shell);
      } else if (why && why.code !== "unavailable" && why.code !== "deadline_exceeded") {
        found = true;
        this.fail(shell, why);
      }
    }
    return found;
  }

  /** The machine has lost the newest part of the log: readers begin at its end. */
  private async moveBack(shell: Shell): Promise<void> {
    try {
      const { terminal } = await this.context.clients.terminals.getTerminal({ terminalId: shell.id });
      if (!terminal) {
        return;
      }
      shell.log.move(terminal.outputEnd);
      for (const reader of shell.readers) {
        const { outputEnd, viewers } = terminal;
        reader.opened({ offset: outputEnd, outputEnd, terminal, others: Math.max(0, viewers - 1) });
      }
    } catch (error) {
      this.fail(shell, failureOf(error));
    }
  }
}
