// The few connections that streams may take, over all sessions of an origin.
//
// A browser opens six connections to a host over HTTP/1.1; when streams have all of them, no other call gets
// through. One session never needs more than there are. With several (tabs that are signed in differently) they
// take turns: whoever has had a place longest gives it up when another waits, and goes on at its cursor when it
// has one again. It must not know what the streams carry.

import type { Release } from "./turns.ts";

/** A place is not taken away sooner. */
const SLICE_MS = 2_000;

interface Holder {
  since: number;
  wanted: () => void;
}

interface Waiter {
  wanted: () => void;
  got: (release: Release) => void;
}

export class Places {
  private readonly holders: Holder[] = [];
  private readonly waiting: Waiter[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly max: number) {}

  /** Resolves with a place; `wanted` is called when it is to be given back soon. Rejects when it is given up. */
  take(signal: AbortSignal, wanted: () => void): Promise<Release> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { wanted, got: resolve };
      const giveUp = () => {
        const at = this.waiting.indexOf(waiter);
        if (at >= 0) {
          this.waiting.splice(at, 1);
          this.ask();
        }
        reject(signal.reason);
      };
      if (signal.aborted) {
        giveUp();
        return;
      }
      signal.addEventListener("abort", giveUp);
      waiter.got = (release) => {
        signal.removeEventListener("abort", giveUp);
        resolve(release);
      };
      this.waiting.push(waiter);
      this.hand();
    });
  }

  private hand(): void {
    while (this.holders.length < this.max) {
      const next = this.waiting.shift();
      if (!next) {
        break;
      }
      const holder: Holder = { since: Date.now(), wanted: next.wanted };
      this.holders.push(holder);
      next.got(() => this.giveBack(holder));
    }
    this.ask();
  }

  private giveBack(holder: Holder): void {
    const at = this.holders.indexOf(holder);
    if (at >= 0) {
      this.holders.splice(at, 1);
      this.hand();
    }
  }

  /** Asks whoever has had a place longest to give it back, when the time has come. */
  private ask(): void {
    clearTimeout(this.timer);
    const [oldest] = this.holders;
    if (this.waiting.length === 0 || !oldest) {
      return;
    }
    this.timer = setTimeout(
      () => {
        oldest.wanted();
        this.ask();
      },
      Math.max(oldest.since + SLICE_MS - Date.now(), 50),
    );
  }
}
