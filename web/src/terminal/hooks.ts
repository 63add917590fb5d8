// The page's pool for React, and what tabs read of its sessions. It must not load xterm.

import { useCallback, useSyncExternalStore } from "react";
import type { Clients } from "../api/clients.ts";
import type { Hub } from "../hub/hub.ts";
import { isApple } from "../ui/keys.ts";
import { useClients, useHub } from "../workspace/hooks.tsx";
import { Claims, type Word } from "./claims.ts";
import { Pool } from "./pool.ts";
import type { SessionState } from "./session-state.ts";

export const MAC = isApple();

/** The page's only pool. It goes when somebody signs in anew, with another hub. */
let current: { hub: Hub; pool: Pool; end: () => void } | undefined;

function makePool(hub: Hub, clients: Clients) {
  const channel = new BroadcastChannel("mosaic-terminals");
  const claims = new Claims((word) => channel.postMessage(word), Date.now);
  channel.onmessage = ({ data }: MessageEvent<Word>) => claims.hear(data);
  const pool = new Pool({
    hub,
    claims,
    mac: MAC,
    read: (terminalId) => async (offset, length) => {
      const { data } = await clients.terminals.readOutput({ terminalId, offset, length });
      return data;
    },
  });
  const end = () => {
    pool.dispose();
    channel.close();
  };
  return { hub, pool, end };
}

export function usePool(): Pool {
  const hub = useHub();
  const clients = useClients();
  if (current?.hub !== hub) {
    current?.end();
    current = makePool(hub, clients);
  }
  return current.pool;
}

/** A part of a terminal's state if there is a session of it, for tabs; a plain value, or it changes for ever. */
export function usePeek<T extends string | number | boolean>(
  terminalId: string,
  select: (state: SessionState) => T,
): T | undefined {
  const pool = usePool();
  const subscribe = useCallback(
    (changed: () => void) => {
      let stop = pool.peek(terminalId)?.state.subscribe(changed);
      const stopPool = pool.subscribe(() => {
        stop?.();
        stop = pool.peek(terminalId)?.state.subscribe(changed);
        changed();
      });
      return () => {
        stop?.();
        stopPool();
      };
    },
    [pool, terminalId],
  );
  return useSyncExternalStore(subscribe, () => {
    const session = pool.peek(terminalId);
    return session && select(session.state.getState());
  });
}
