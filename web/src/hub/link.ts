// How a session and its server get on: what each stream tells, as one state, and when to try again.
//
// It must not know what the streams carry.

import { type Failure, isRefused } from "../api/failure.ts";
import type { Connection } from "./hub.ts";

const PAUSE_MS_MIN = 250;
const PAUSE_MS_MAX = 5_000;
/** A server that said that it stops is expected back within this time. */
const RESTART_MS = 60_000;

/** The pause before the attempt after so many failures: exponential, and never the same for everybody. */
export function pauseMs(failures: number, random: number): number {
  const full = Math.min(PAUSE_MS_MIN * 2 ** Math.max(failures - 1, 0), PAUSE_MS_MAX);
  return Math.round(full * (0.5 + random / 2));
}

/** One of the session's streams, as the link knows it. */
export interface Tried {
  failures: number;
}

interface Lost {
  why: Failure;
  since: number;
  retryAt: number;
}

export class Link {
  private state: Connection = { state: "connecting" };
  private readonly lost = new Map<Tried, Lost>();
  private restartingSince: number | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly changed: (connection: Connection) => void) {}

  get connection(): Connection {
    return this.state;
  }

  get refused(): boolean {
    return this.state.state === "refused";
  }

  /** A stream is there. */
  ok(line: Tried): void {
    line.failures = 0;
    this.lost.delete(line);
    if (this.lost.size > 0) {
      // What brought this one back brings back the others. A server that stops may still have let it in.
      this.wake();
    } else {
      this.restartingSince = undefined;
    }
    this.tell();
  }

  /** A stream is not wanted any more. */
  forget(line: Tried): void {
    if (this.lost.delete(line)) {
      this.tell();
    }
  }

  /** The server said that it stops. */
  restarting(): void {
    this.restartingSince ??= Date.now();
  }

  /** A stream was lost. Resolves when it is to be tried again; false: never. */
  async failed(line: Tried, why: Failure, signal: AbortSignal): Promise<boolean> {
    if (isRefused(why)) {
      this.refuse(why);
      return false;
    }
    line.failures += 1;
    const now = Date.now();
    const ms = why.retryAfterMs ?? pauseMs(this.restartingSince ? 1 : line.failures, Math.random());
    this.lost.set(line, { why, since: this.lost.get(line)?.since ?? now, retryAt: now + ms });
    this.tell();
    await this.sleep(ms, signal);
    return !signal.aborted && !this.refused;
  }

  /** Waits, but no longer than until somebody has a reason to hope. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiting.add(done);
      signal.addEventListener("abort", done);
      if (signal.aborted) {
        done();
      }
    });
  }

  /** There is a reason to hope: whoever waits tries at once. */
  wake(): void {
    for (const done of [...this.waiting]) {
      done();
    }
  }

  /** The token is refused. */
  refuse(why: Failure): void {
    this.set({ state: "refused", why });
    this.wake();
  }

  /** Whoever was refused may try again: the token is used anew. */
  reset(): void {
    if (this.refused) {
      this.lost.clear();
      this.set({ state: "connecting" });
    }
  }

  private tell(): void {
    if (this.refused) {
      return;
    }
    const first = [...this.lost.values()].sort((a, b) => a.since - b.since)[0];
    if (!first) {
      this.set({ state: "online" });
      return;
    }
    const restarting = this.restartingSince;
    if (restarting !== undefined && Date.now() - restarting < RESTART_MS) {
      this.set({ state: "restarting", since: restarting });
      return;
    }
    const retryAt = Math.min(...[...this.lost.values()].map((lost) => lost.retryAt));
    this.set({ state: "lost", since: first.since, retryAt, why: first.why });
  }

  private set(next: Connection): void {
    const same = next.state === this.state.state && (next.state === "online" || next.state === "restarting");
    this.state = next;
    if (!same) {
      this.changed(next);
    }
  }
}
