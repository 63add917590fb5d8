// A model of the server's terminals for tests: a log of bytes, Watch, ReadOutput and GetTerminal over it.

import { create } from "@bufbuild/protobuf";
import type { Clients } from "../src/api/clients.ts";
import { failure } from "../src/api/failure.ts";
import {
  GetTerminalResponseSchema,
  ReadOutputResponseSchema,
  StreamEnded_Reason,
  Terminal_State,
  TerminalEventSchema,
  TerminalSchema,
  type WatchRequest,
  type WatchResponse,
  WatchResponseSchema,
} from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";

const cut = failure("UNREACHABLE", "unavailable", "cut", true);

const PERIOD = 65_521;
const PIECE_MAX = 512 * 1024;
const printed = Uint8Array.from({ length: PERIOD + PIECE_MAX }, (_, at) => {
  const place = at % PERIOD;
  return (place * 31 + (place >> 8)) % 256;
});

/** What is printed between two offsets: a byte that is doubled, lost or out of place shows. */
export function bytes(from: number, to: number): Uint8Array<ArrayBuffer> {
  return printed.slice(from % PERIOD, (from % PERIOD) + Math.max(to - from, 0));
}

export interface Chance {
  /** A number from 0 up to, but not with, `below`. */
  next(below: number): number;
}

/** Always the same numbers from the same seed (the generator is mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed;
  return {
    next: (below) => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    },
  };
}

interface Shell {
  start: number;
  end: number;
  ended: boolean;
  deleted: boolean;
  /** Sizes and titles, each with the end of the output when it came. */
  marks: { at: number; cols?: number; title?: string }[];
}

/** A reader's place on a stream. */
interface Place {
  id: string;
  at: number;
  marks: number;
  over: boolean;
  said: boolean;
}

type Move = () => void;

export class ModelServer {
  readonly shells = new Map<string, Shell>();
  watches = 0;
  mostWatches = 0;
  /** Output that went out, on streams and as ranges. */
  sentBytes = 0;
  down = false;
  private readonly moves = new Set<Move>();
  private readonly cuts = new Set<Move>();

  constructor(private readonly chance: Chance) {}

  open(id: string): Shell {
    const shell = { start: 0, end: 0, ended: false, deleted: false, marks: [] };
    this.shells.set(id, shell);
    return shell;
  }

  print(id: string, bytes: number): void {
    const shell = this.shells.get(id);
    if (shell && !shell.ended) {
      shell.end += bytes;
      this.move();
    }
  }

  resize(id: string, cols: number): void {
    this.mark(id, { cols });
  }

  retitle(id: string, title: string): void {
    this.mark(id, { title });
  }

  private mark(id: string, what: { cols?: number; title?: string }): void {
    const shell = this.shells.get(id);
    if (shell && !shell.ended) {
      shell.marks.push({ at: shell.end, ...what });
      this.move();
    }
  }

  /** The oldest bytes are not kept any more. */
  trim(id: string, to: number): void {
    const shell = this.shells.get(id);
    if (shell) {
      shell.start = Math.max(shell.start, Math.min(to, shell.end));
    }
  }

  end(id: string): void {
    const shell = this.shells.get(id);
    if (shell) {
      shell.ended = true;
      this.move();
    }
  }

  /** Every stream breaks, wherever it is. */
  cut(): void {
    for (const one of [...this.cuts]) {
      one();
    }
  }

  /** As much of the services as the hub's reading of terminals calls. */
  clients(): Clients {
    const terminals = {
      getTerminal: async ({ terminalId = "" }) => {
        await this.pass();
        return create(GetTerminalResponseSchema, { terminal: this.terminal(terminalId) });
      },
      readOutput: async ({ terminalId = "", offset = 0n, length = 0 }) => {
        await this.pass();
        return this.range(terminalId, Number(offset), length);
      },
      watch: (request: Partial<WatchRequest>, { signal }: { signal: AbortSignal }) =>
        this.watch(request, signal),
    };
    return { terminals } as unknown as Clients;
  }

  private move(): void {
    for (const one of [...this.moves]) {
      one();
    }
  }

  private async pass(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.chance.next(20)));
    if (this.down || this.chance.next(12) === 0) {
      throw cut;
    }
  }

  private find(id: string): Shell {
    const shell = this.shells.get(id);
    if (!shell || shell.deleted) {
      throw failure("TERMINAL_NOT_FOUND", "not_found", "no such terminal");
    }
    return shell;
  }

  terminal(id: string) {
    const { start, end, ended, marks } = this.find(id);
    const state = ended ? Terminal_State.EXITED : Terminal_State.RUNNING;
    const cols = marks.findLast((mark) => mark.cols !== undefined)?.cols ?? 80;
    const title = marks.findLast((mark) => mark.title !== undefined)?.title ?? "";
    const outputEnd = BigInt(end);
    return create(TerminalSchema, { id, state, cols, title, outputStart: BigInt(start), outputEnd });
  }

  private range(id: string, offset: number, length: number) {
    const shell = this.find(id);
    const from = Math.max(offset, shell.start);
    const to = Math.max(Math.min(from + length, shell.end), from);
    this.sentBytes += to - from;
    return create(ReadOutputResponseSchema, {
      offset: BigInt(from),
      endOffset: BigInt(to),
      data: bytes(from, to),
      gap: from > offset ? { from: BigInt(offset), to: BigInt(from) } : undefined,
      outputEnd: BigInt(shell.end),
      atEnd: shell.ended && to === shell.end,
    });
  }

  private async *watch(request: Partial<WatchRequest>, signal: AbortSignal): AsyncGenerator<WatchResponse> {
    const single = request.terminalId
      ? [{ terminalId: request.terminalId, start: request.start ?? { case: undefined } }]
      : [];
    const wanted = [...single, ...(request.subscriptions ?? [])].map(({ terminalId, start }): Place => {
      const at = start.case === "offset" ? Number(start.value) : 0;
      return { id: terminalId, at, marks: 0, over: false, said: false };
    });
    const leave = this.enter(signal);
    try {
      await this.pass();
      for (const one of wanted) {
        const { end, marks } = this.find(one.id);
        one.marks = marks.filter(({ at }) => at < one.at).length;
        if (one.at > end) {
          throw failure("CURSOR_AHEAD", "out_of_range", "beyond the end");
        }
        const value = { offset: BigInt(one.at), outputEnd: BigInt(end), terminal: this.terminal(one.id) };
        yield event(one.id, { case: "opened", value });
      }
      while (wanted.some((one) => !one.over)) {
        signal.throwIfAborted();
        let still = true;
        for (const one of wanted) {
          const step = one.over ? undefined : this.step(one);
          if (step) {
            still = false;
            yield step;
          }
        }
        if (still) {
          await this.moved(signal);
        }
      }
    } finally {
      leave();
    }
  }

  /** Counts a stream until it ends, or is given up, which a browser does at once. */
  private enter(signal: AbortSignal): Move {
    this.watches += 1;
    this.mostWatches = Math.max(this.mostWatches, this.watches);
    let there = true;
    const leave = () => {
      if (there) {
        there = false;
        this.watches -= 1;
        signal.removeEventListener("abort", leave);
      }
    };
    signal.addEventListener("abort", leave);
    return leave;
  }

  private step(one: Place): WatchResponse | undefined {
    const shell = this.find(one.id);
    const { id, at } = one;
    if (at < shell.start) {
      one.at = shell.start;
      return event(id, { case: "gap", value: { from: BigInt(at), to: BigInt(shell.start) } });
    }
    const mark = shell.marks[one.marks];
    if (mark && mark.at <= at) {
      one.marks += 1;
      const offset = BigInt(mark.at);
      return mark.title === undefined
        ? event(id, { case: "resized", value: { cols: mark.cols ?? 0, offset } })
        : event(id, { case: "titleChanged", value: { title: mark.title, offset } });
    }
    if (at < shell.end) {
      const end = Math.min(at + 1 + this.chance.next(64 * 1024), mark?.at ?? shell.end);
      one.at = end;
      this.sentBytes += end - at;
      const value = { offset: BigInt(at), endOffset: BigInt(end), data: bytes(at, end) };
      return event(id, { case: "output", value });
    }
    if (shell.ended) {
      if (one.said) {
        one.over = true;
        const value = { reason: StreamEnded_Reason.TERMINAL_ENDED, offset: BigInt(at) };
        return event(id, { case: "streamEnded", value });
      }
      one.said = true;
      return event(id, { case: "exited", value: { finalOffset: BigInt(shell.end) } });
    }
    return undefined;
  }

  /** Resolves when something is new, and throws when the connection is cut. */
  private moved(signal: AbortSignal): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      const forget = () => {
        this.moves.delete(move);
        this.cuts.delete(lose);
        signal.removeEventListener("abort", lose);
      };
      const move = () => {
        forget();
        resolve();
      };
      const lose = () => {
        forget();
        reject(cut);
      };
      this.moves.add(move);
      this.cuts.add(lose);
      signal.addEventListener("abort", lose);
    });
    // It may be cut while nobody waits.
    promise.catch(() => {});
    return promise;
  }
}

type EventInit = NonNullable<Parameters<typeof create<typeof TerminalEventSchema>>[1]>["event"];

function event(terminalId: string, what: EventInit): WatchResponse {
  return create(WatchResponseSchema, { event: create(TerminalEventSchema, { terminalId, event: what }) });
}
