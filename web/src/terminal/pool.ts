// The page's sessions: shown ones, and the newest hidden ones, which keep reading. Older ones go, and come back
// from the log.
//
// It must not know React, nor load xterm: an empty panel does without.

import type { Session } from "./session.ts";
import type { Surroundings } from "./session-state.ts";
import type { Size } from "./size.ts";

/** Hidden screens that are kept: each holds up to 10,000 lines and a stream. */
const HIDDEN_MAX = 8;

export class Pool {
  private readonly shown = new Set<Session>();
  /** Oldest first; at most one for a terminal. */
  private readonly hidden = new Map<string, Session>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly around: Surroundings) {}

  /** The size of a place where a terminal is shown, for a new one. */
  get lastSize(): Size | undefined {
    for (const session of this.shown) {
      const size = session.screen.proposed();
      if (size !== undefined) {
        return size;
      }
    }
    return undefined;
  }

  /** A session to show: the hidden one of this terminal, else a new one, made by whoever has xterm loaded. */
  acquire(terminalId: string, make: (terminalId: string, around: Surroundings) => Session): Session {
    const kept = this.hidden.get(terminalId);
    const session = kept ?? make(terminalId, this.around);
    this.hidden.delete(terminalId);
    this.shown.add(session);
    this.changed();
    return session;
  }

  /** It is not shown any more. */
  release(session: Session): void {
    if (!this.shown.delete(session)) {
      return;
    }
    session.detach();
    this.hidden.get(session.terminalId)?.dispose();
    this.hidden.delete(session.terminalId);
    this.hidden.set(session.terminalId, session);
    for (const [terminalId, oldest] of this.hidden) {
      if (this.hidden.size <= HIDDEN_MAX) {
        break;
      }
      this.hidden.delete(terminalId);
      oldest.dispose();
    }
    this.changed();
  }

  /** Its tab was closed: a hidden session is not kept for it. */
  drop(terminalId: string): void {
    this.hidden.get(terminalId)?.dispose();
    this.hidden.delete(terminalId);
    this.changed();
  }

  /** The session of a terminal, shown or hidden, to read its state. */
  peek(terminalId: string): Session | undefined {
    const hidden = this.hidden.get(terminalId);
    return hidden ?? [...this.shown].find((session) => session.terminalId === terminalId);
  }

  subscribe(changed: () => void): () => void {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  }

  dispose(): void {
    for (const session of [...this.shown, ...this.hidden.values()]) {
      session.dispose();
    }
    this.shown.clear();
    this.hidden.clear();
  }

  private changed(): void {
    for (const listener of [...this.listeners]) {
      listener();
    }
  }
}
