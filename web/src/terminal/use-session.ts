// A session while a view shows it, and parts of its state. It must not know what a view looks like.

import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { usePool } from "./hooks.ts";
import { Session } from "./session.ts";
import type { SessionState, Surroundings } from "./session-state.ts";

const make = (terminalId: string, around: Surroundings) => new Session(terminalId, around);

/** The session of a terminal for as long as the view is there; undefined before the first effect. */
export function useSession(terminalId: string): Session | undefined {
  const pool = usePool();
  const [session, setSession] = useState<Session>();
  useEffect(() => {
    const mine = pool.acquire(terminalId, make);
    setSession(mine);
    return () => {
      pool.release(mine);
      setSession(undefined);
    };
  }, [pool, terminalId]);
  return session?.terminalId === terminalId ? session : undefined;
}

export function useSessionState<T>(session: Session, select: (state: SessionState) => T): T {
  return useStore(session.state, select);
}
