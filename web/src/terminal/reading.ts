// One reading of a terminal: from a place in its output to the screen, in order, until it is stopped.
//
// It must not know xterm, React, or who types.

import type { Failure } from "../api/failure.ts";
import type { Gap, TerminalEvent } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Hub, OpenedTerminal, TerminalReader, TerminalStart } from "../hub/hub.ts";
import { CleanStart } from "./cut.ts";
import { modesBefore, type ReadRange } from "./older.ts";
import { Pacer, type Piece, type Sink } from "./pacing.ts";
import { bytesWords } from "./words.ts";

export interface ReadingHost {
  sink: Sink;
  read: ReadRange;
  opened(at: OpenedTerminal): void;
  /** All that had been printed when the reading began is on the screen. */
  caughtUp(): void;
  /** Something was printed just now. */
  printed(): void;
  /** When all output before it is on the screen. `past`: it happened before this reading began, or is told again. */
  event(event: TerminalEvent, past: boolean): void;
  failed(why: Failure): void;
}

/** Sizes of the past that come behind the last output of the past come within this time. */
const PAST_MS = 1000;
/** Sizes that are remembered, to know them when a new connection tells them again. */
const SEEN_MAX = 64;

export class Reading {
  readonly pacer: Pacer;
  /** The first byte shown, and the oldest that was kept when the reading began. */
  start = 0n;
  outputStart = 0n;
  /** The byte after the newest one that came. */
  next = 0n;
  private goal = 0n;
  private begun = false;
  private caughtAt: number | undefined;
  /** Sizes that came, each with where. */
  private readonly seen = new Set<string>();
  private stopped = false;
  private clean: CleanStart | undefined;
  /** What came while the modes before the cut were looked for; the hub's window bounds it. */
  private early: Piece[] | undefined;
  private readonly unsubscribe: () => void;

  constructor(
    hub: Hub,
    terminalId: string,
    from: TerminalStart,
    private readonly host: ReadingHost,
  ) {
    this.pacer = new Pacer(host.sink);
    const reader: TerminalReader = {
      opened: (at) => this.opened(at),
      output: (chunk) => this.output(chunk),
      gap: (gap) => this.gap(gap),
      event: (event) => this.event(event),
      failed: (why) => this.stopped || host.failed(why),
    };
    this.unsubscribe = hub.terminal(terminalId, from, reader);
  }

  stop(): void {
    this.stopped = true;
    this.unsubscribe();
    for (const piece of this.early ?? []) {
      piece.done?.();
    }
    this.early = undefined;
    this.pacer.stop();
  }

  private opened(at: OpenedTerminal): void {
    if (this.stopped) {
      return;
    }
    if (this.begun) {
      this.clean = at.offset === this.next ? this.clean : new CleanStart();
      this.next = at.offset;
    } else {
      this.begin(at);
    }
    this.host.opened(at);
    if (at.offset >= this.goal) {
      this.push({ data: "", history: true, done: () => this.reached(at.offset) });
    }
  }

  private begin({ offset, outputEnd, terminal }: OpenedTerminal): void {
    this.begun = true;
    this.start = offset;
    this.next = offset;
    this.goal = outputEnd;
    this.outputStart = terminal.outputStart;
    if (offset === 0n) {
      return;
    }
    this.clean = new CleanStart();
    this.early = [];
    modesBefore(this.host.read, terminal.outputStart, offset).then((modes) => {
      const early = this.early ?? [];
      this.early = undefined;
      this.push({ data: modes, history: true });
      for (const piece of early) {
        this.push(piece);
      }
    });
  }

  private output({ offset, data, history, done }: Parameters<TerminalReader["output"]>[0]): void {
    if (this.stopped) {
      done();
      return;
    }
    const end = offset + BigInt(data.length);
    this.next = end;
    const finished = () => {
      done();
      this.reached(end);
    };
    this.push({ data: this.clean?.take(data) ?? data, history, done: finished });
    if (!history) {
      this.host.printed();
    }
  }

  /** A line says that something is missing. What was begun before it is given up, and what follows is cut anew. */
  private gap({ from, to }: Gap): void {
    if (this.stopped) {
      return;
    }
    this.next = to;
    this.clean = new CleanStart();
    const words = `${bytesWords(to - from)} of output are no longer kept`;
    this.push({ data: `\x18\r\x1b[0;2m\u2500\u2500 ${words} \u2500\u2500\x1b[0m\r\n`, history: true });
  }

  private push(piece: Piece): void {
    if (this.early !== undefined && !this.stopped) {
      this.early.push(piece);
    } else if (!this.stopped) {
      this.pacer.push(piece);
    } else {
      piece.done?.();
    }
  }

  /** In its place between the output before it and the output after it. */
  private event(event: TerminalEvent): void {
    const past = this.isPast(event);
    this.push({ data: "", history: true, done: () => this.stopped || this.host.event(event, past) });
  }

  private isPast({ event }: TerminalEvent): boolean {
    if (event.case !== "resized") {
      return false;
    }
    const { cols, rows, offset } = event.value;
    const key = `${offset} ${cols} ${rows}`;
    const again = this.seen.has(key);
    this.seen.add(key);
    for (const oldest of this.seen) {
      if (this.seen.size <= SEEN_MAX) {
        break;
      }
      this.seen.delete(oldest);
    }
    const early = this.caughtAt === undefined || Date.now() - this.caughtAt < PAST_MS;
    return again || (early && offset <= this.goal);
  }

  private reached(offset: bigint): void {
    if (this.caughtAt === undefined && !this.stopped && offset >= this.goal) {
      this.caughtAt = Date.now();
      this.host.caughtUp();
    }
  }
}
