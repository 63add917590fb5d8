// A page's typing: a queue and a window size for each terminal, sent straight from the page.
//
// It must not know streams, nor who shows what.

import { type Clients, clientsOver } from "../api/clients.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import { uuidv7 } from "../api/uuid.ts";
import type { Readable, Typing } from "./hub.ts";
import { type Call, InputQueue } from "./input.ts";
import { pauseMs } from "./link.ts";
import { Cell } from "./readable.ts";

const DEADLINE_MS = 10_000;
/** A browser sends at most 64 KiB after a page has gone. */
const FAREWELL_BYTES_MAX = 48 * 1024;
/** Terminals typed into that are kept in mind. */
const QUEUES_MAX = 100;

interface Size {
  cols: number;
  rows: number;
}

interface Desk {
  queue: InputQueue;
  state: Cell<Typing>;
  size: Size | undefined;
  resizing: boolean;
}

export class Typist {
  private readonly desks = new Map<string, Desk>();
  private readonly closing = new AbortController();
  private readonly clients: Clients;
  private readonly lastCalls: Clients;
  private readonly waiting = new Set<() => void>();

  constructor(token: string, outcome: (why: Failure | undefined) => void) {
    this.clients = clientsOver({ token, signal: this.closing.signal, outcome });
    this.lastCalls = clientsOver({
      token,
      fetch: (input, init) => fetch(input, { ...init, keepalive: true }),
    });
  }

  type(terminalId: string, data: Uint8Array): boolean {
    return this.desk(terminalId).queue.push(data);
  }

  typing(terminalId: string): Readable<Typing> {
    return this.desk(terminalId).state;
  }

  resize(terminalId: string, size: Size): void {
    const desk = this.desk(terminalId);
    desk.size = size;
    if (!desk.resizing) {
      void this.sendSize(terminalId, desk);
    }
  }

  /** Whoever waits tries at once. */
  wake(): void {
    for (const done of [...this.waiting]) {
      done();
    }
  }

  get pending(): boolean {
    return [...this.desks.values()].some(({ queue }) => !queue.idle);
  }

  /** The page goes: everything once more, in calls that outlive it. */
  farewell(): void {
    let room = FAREWELL_BYTES_MAX;
    for (const [terminalId, { queue }] of this.desks) {
      for (const call of queue.farewell(room)) {
        room -= call.data.length;
        void this.write(this.lastCalls, terminalId, call).catch(() => {});
      }
    }
  }

  close(): void {
    this.farewell();
    this.closing.abort();
    for (const { queue } of this.desks.values()) {
      queue.close();
    }
    this.desks.clear();
    this.wake();
  }

  private desk(terminalId: string): Desk {
    const known = this.desks.get(terminalId);
    if (known) {
      return known;
    }
    this.makeRoom();
    const state = new Cell<Typing>({ pendingBytes: 0 });
    const queue = new InputQueue({
      write: (call) => this.write(this.clients, terminalId, call),
      newWriter: () => uuidv7(),
      pause: (ms) => this.pause(ms),
      changed: () => state.set(queue.state),
    });
    const desk: Desk = { queue, state, size: undefined, resizing: false };
    this.desks.set(terminalId, desk);
    return desk;
  }

  private makeRoom(): void {
    if (this.desks.size < QUEUES_MAX) {
      return;
    }
    for (const [id, desk] of this.desks) {
      if (desk.queue.idle && !desk.resizing && desk.state.unused) {
        this.desks.delete(id);
        return;
      }
    }
  }

  private async write(clients: Clients, terminalId: string, call: Call): Promise<void> {
    const { writerId, sequence, data } = call;
    const request = { terminalId, writerId, sequence, input: { case: "data" as const, value: data } };
    await clients.terminals.write(request, { timeoutMs: DEADLINE_MS });
  }

  /** Sends the newest size until it is taken, or somebody says no. */
  private async sendSize(terminalId: string, desk: Desk): Promise<void> {
    desk.resizing = true;
    let failures = 0;
    while (desk.size && !this.closing.signal.aborted) {
      const { size } = desk;
      const request = { terminalId, writerId: desk.queue.writerId, ...size };
      try {
        await this.clients.terminals.resize(request, { timeoutMs: DEADLINE_MS });
        failures = 0;
      } catch (error) {
        const { code } = failureOf(error);
        if (code === "unavailable" || code === "deadline_exceeded") {
          failures += 1;
          await this.pause(pauseMs(failures, Math.random()));
          continue;
        }
      }
      if (desk.size === size) {
        desk.size = undefined;
      }
    }
    desk.resizing = false;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiting.add(done);
    });
  }
}
