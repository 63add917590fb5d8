// Gives the tree below it the session: the calls, the hub and the workspace. It must not know what is shown.

import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { type Clients, makeClients } from "../api/clients.ts";
import { type Event, Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { HubClient } from "../hub/client.ts";
import type { Connection, Hub } from "../hub/hub.ts";
import { Workspace, type WorkspaceState } from "./store.ts";

interface Session {
  clients: Clients;
  hub: Hub;
  workspace: Workspace;
}

const SessionContext = createContext<Session | undefined>(undefined);

/** Opens a session for the token, and closes it with the tree or when the token changes. */
export function SessionProvider({ token, children }: { token: string; children: ReactNode }) {
  const [session, setSession] = useState<Session>();
  useEffect(() => {
    const closing = new AbortController();
    const hub = new HubClient(token);
    const clients = makeClients(token, closing.signal, (why) => hub.noticed(why));
    const workspace = new Workspace(clients, hub);
    setSession({ clients, hub, workspace });
    return () => {
      setSession(undefined);
      workspace.close();
      hub.close();
      closing.abort();
    };
  }, [token]);
  return session ? <SessionContext.Provider value={session}>{children}</SessionContext.Provider> : null;
}

function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) {
    throw new Error("there is no SessionProvider above");
  }
  return session;
}

export function useClients(): Clients {
  return useSession().clients;
}

export function useHub(): Hub {
  return useSession().hub;
}

/** A part of the workspace; changes when one of its fields does. */
export function useWorkspace<T>(select: (state: WorkspaceState) => T): T {
  return useStore(useSession().workspace.store, useShallow(select));
}

export function useConnection(): Connection {
  const { connection } = useHub();
  return useSyncExternalStore(
    (changed) => connection.subscribe(changed),
    () => connection.get(),
  );
}

/** What the session may do: a token that may only read is a viewer's, whatever its role. */
export function useRole(): Role {
  return useWorkspace(({ me }) => {
    const token = me?.token;
    return token?.readOnly ? Role.VIEWER : (token?.role ?? Role.UNSPECIFIED);
  });
}

/** Calls for each event of the workspace, after the state has taken it. */
export function useEvents(on: (event: Event) => void): void {
  const { workspace } = useSession();
  const newest = useRef(on);
  useEffect(() => {
    newest.current = on;
  });
  useEffect(() => workspace.onEvent((event) => newest.current(event)), [workspace]);
}
