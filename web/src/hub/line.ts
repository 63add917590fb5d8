// One stream that is kept up: opened, watched, lost, opened again, and changed without losing anything.
//
// To change what is read it opens the next stream first and then drops the old one: for that moment there are
// two, and the one spare place of the session is taken. Where a stream goes on is its source's business. It must
// not know what the stream carries.

import { type Failure, failure, failureOf, isRefused } from "../api/failure.ts";
import type { Context } from "./context.ts";
import type { Link, Tried } from "./link.ts";
import type { Release } from "./turns.ts";

/** Heartbeats come every 15 s. */
const SILENCE_MS = 40_000;
/** The first message says where the stream starts, and comes at once. */
const FIRST_WORD_MS = 10_000;
/** A stream in doubt has so long to say something. */
const DOUBT_MS = 300;
/** Changes that come together make one stream. */
const GATHER_MS = 20;
/** Keeps a stream that ends at once, again and again, from becoming a storm. */
const LOOK_AGAIN_MS = 250;

/** What becomes of a stream after a message. */
export type Verdict = "go on" | "restarting" | "over";

export interface Source<M> {
  /** False while a stream would carry nothing: then none is opened. */
  wants(): boolean;
  /** The stream as it should be now; undefined: none is wanted. */
  open(signal: AbortSignal): AsyncIterable<M> | undefined;
  /** Takes a message of the stream with this number. */
  take(message: M, stream: number): Verdict;
  /**
   * The server refused what was asked: true if the source has found out what was wrong with it and the stream is
   * to be opened again, false if it is to be treated like a lost connection.
   */
  refused(why: Failure): Promise<boolean>;
}

class Attempt {
  readonly control = new AbortController();
  opened = false;

  constructor(readonly number: number) {}
}

export class Line<M> implements Tried {
  failures = 0;
  private current: Attempt | undefined;
  private next: Attempt | undefined;
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private pausing = false;
  private changedMeanwhile = false;
  private numbers = 0;
  private readonly closing = new AbortController();

  private heard = 0;
  private doubting: ReturnType<typeof setTimeout> | undefined;
  /** The connection that it may use. */
  private place: Release | undefined;
  private readonly link: Link;

  constructor(
    private readonly context: Context,
    private readonly source: Source<M>,
  ) {
    this.link = context.link;
  }

  /** The number of the next stream to be opened: those before it do not know of what is wanted only now. */
  get upcoming(): number {
    return this.numbers + 1;
  }

  /** What is wanted has changed. */
  refresh(): void {
    if (this.closing.signal.aborted || this.gathering !== undefined) {
      return;
    }
    // The first one is not made to wait: somebody looks at an empty terminal.
    this.gathering = setTimeout(() => this.change(), this.current ? GATHER_MS : 0);
  }

  /** The stream is of no use: goes on with a new one at once. */
  again(): void {
    this.drop();
    this.refresh();
  }

  /** Finds out whether the stream is alive: if it says nothing for a moment, by opening the next one. */
  doubt(): void {
    const { current, heard } = this;
    this.doubting ??= setTimeout(() => {
      this.doubting = undefined;
      if (current?.opened && this.current === current && this.heard === heard && !this.next) {
        this.refresh();
      }
    }, DOUBT_MS);
  }

  close(): void {
    this.closing.abort();
    clearTimeout(this.gathering);
    clearTimeout(this.doubting);
    this.drop();
    this.link.forget(this);
  }

  private drop(): void {
    this.current?.control.abort();
    this.next?.control.abort();
    this.current = undefined;
    this.next = undefined;
    this.leavePlace();
  }

  private leavePlace(): void {
    this.place?.();
    this.place = undefined;
  }

  /** Another stream waits for the connection: it is given up, and taken again in turn. */
  private yieldPlace(): void {
    if (this.place) {
      this.again();
    }
  }

  private change(): void {
    this.gathering = undefined;
    if (this.pausing || this.link.refused) {
      // It is opened anew when the pause is over, as it should be then.
      return;
    }
    if (this.next) {
      this.changedMeanwhile = true;
      return;
    }
    if (this.current && !this.place) {
      // It still waits for its connection, and would wait with what was wanted before.
      this.current.control.abort();
      this.current = undefined;
    }
    if (!this.current && !this.source.wants()) {
      return;
    }
    if (this.current) {
      this.next = new Attempt(++this.numbers);
      void this.swap(this.next);
    } else {
      this.current = new Attempt(++this.numbers);
      void this.run(this.current);
    }
  }

  private async swap(attempt: Attempt): Promise<void> {
    let release = () => {};
    const settled = () => release();
    try {
      release = await this.context.spare.take(attempt.control.signal);
    } catch {
      return;
    }
    if (!this.current && this.next === attempt) {
      // The old one was lost meanwhile.
      this.current = attempt;
      this.next = undefined;
    }
    attempt.control.signal.addEventListener("abort", settled);
    await this.run(attempt, settled);
    release();
  }

  private async run(attempt: Attempt, settled?: () => void): Promise<void> {
    const { signal } = attempt.control;
    let why: Failure | undefined;
    let restarting = false;
    let silence: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      this.heard = Date.now();
      clearTimeout(silence);
      const ms = attempt.opened ? SILENCE_MS : FIRST_WORD_MS;
      silence = setTimeout(() => {
        why = failure("SILENT", "unavailable", "The server has fallen silent.", true);
        attempt.control.abort();
        this.ended(attempt, why);
      }, ms);
    };
    try {
      if (this.current === attempt && !this.place) {
        const place = await this.context.places.take(signal, () => this.yieldPlace());
        if (signal.aborted) {
          place();
          return;
        }
        this.place = place;
      }
      listen();
      const stream = this.source.open(signal);
      if (!stream) {
        this.promote(attempt, settled);
        this.ended(attempt, undefined);
        return;
      }
      for await (const message of stream) {
        if (signal.aborted) {
          return;
        }
        if (!attempt.opened) {
          this.promote(attempt, settled);
          this.link.ok(this);
        }
        listen();
        const verdict = this.source.take(message, attempt.number);
        if (verdict === "over") {
          this.ended(attempt, undefined);
          return;
        }
        if (verdict === "restarting") {
          restarting = true;
          this.link.restarting();
        }
      }
      // It ended in peace: everything that was asked for was sent, or the server stops.
      if (restarting) {
        why = failure("SERVER_STOPPING", "unavailable", "The server is restarting.", true);
      }
    } catch (error) {
      why = failureOf(error);
    } finally {
      clearTimeout(silence);
    }
    if (!signal.aborted) {
      this.ended(attempt, why);
    }
  }

  /** A stream is there: the one that it follows is dropped. */
  private promote(attempt: Attempt, settled?: () => void): void {
    attempt.opened = true;
    if (this.next === attempt) {
      this.current?.control.abort();
      this.current = attempt;
      this.next = undefined;
    }
    settled?.();
    if (this.changedMeanwhile) {
      this.changedMeanwhile = false;
      this.refresh();
    }
  }

  private ended(attempt: Attempt, why: Failure | undefined): void {
    attempt.control.abort();
    if (this.next === attempt) {
      this.next = undefined;
    } else if (this.current === attempt) {
      this.current = undefined;
    } else {
      return;
    }
    if (!this.current && !this.next) {
      this.leavePlace();
    }
    if (why) {
      void this.recover(why);
    } else {
      this.link.forget(this);
      void this.lookAgain();
    }
  }

  /** After an end in peace: opened again if something is wanted that the stream did not have. */
  private async lookAgain(): Promise<void> {
    if (!this.changedMeanwhile) {
      await this.link.sleep(LOOK_AGAIN_MS, this.closing.signal);
    }
    this.changedMeanwhile = false;
    if (!this.current && !this.next) {
      this.refresh();
    }
  }

  private async recover(why: Failure): Promise<void> {
    if (this.pausing) {
      return;
    }
    this.pausing = true;
    const { signal } = this.closing;
    const said = why.code !== "unavailable" && !isRefused(why);
    const asked = said && (await this.source.refused(why));
    const again = asked ? !signal.aborted : await this.link.failed(this, why, signal);
    this.pausing = false;
    if (again) {
      this.refresh();
    }
  }
}
