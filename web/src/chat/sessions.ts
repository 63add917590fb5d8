// The conversations that are open in this page, each once however often it is shown.
// It must not know how they are shown.

import { useEffect } from "react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import type { Clients } from "../api/clients.ts";
import type { Event } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Hub } from "../hub/hub.ts";
import { useClients, useEvents, useHub } from "../workspace/hooks.tsx";
import { Session } from "./session.ts";
import type { SessionState } from "./state.ts";

/** Conversations that are kept when nobody looks, so that going back is quick. */
const KEPT_MAX = 6;

export class Sessions {
  readonly #clients: Clients;
  readonly #hub: Hub;
  readonly #sessions = new Map<string, { session: Session; users: number }>();
  readonly #onMade = new Set<(conversationId: string) => void>();
  #newest = 0n;

  constructor(clients: Clients, hub: Hub) {
    this.#clients = clients;
    this.#hub = hub;
  }

  /** "" is the conversation that does not exist yet. */
  get(id: string): Session {
    const known = this.#sessions.get(id);
    if (known) {
      return known.session;
    }
    const session = new Session(id, {
      clients: this.#clients,
      hub: this.#hub,
      adopt: (recorded, messages) => {
        this.get(recorded.conversationId).seed(recorded, messages);
        for (const made of this.#onMade) {
          made(recorded.conversationId);
        }
      },
    });
    this.#sessions.set(id, { session, users: 0 });
    return session;
  }

  /** Shows it until the answer is called. */
  use(id: string): () => void {
    const { session } = { session: this.get(id) };
    const entry = this.#sessions.get(id) ?? { session, users: 0 };
    // The newest one comes last: the first is forgotten first.
    this.#sessions.delete(id);
    this.#sessions.set(id, entry);
    entry.users += 1;
    session.activate();
    return () => {
      entry.users -= 1;
      if (entry.users === 0) {
        session.deactivate();
        this.#forget();
      }
    };
  }

  /** Takes an event of the workspace; those that it has had already are left aside. */
  event(event: Event): void {
    if (event.sequence <= this.#newest) {
      return;
    }
    this.#newest = event.sequence;
    for (const { session } of this.#sessions.values()) {
      session.event(event);
    }
  }

  /** Calls with the id of each conversation that is made here by sending. */
  onMade(made: (conversationId: string) => void): () => void {
    this.#onMade.add(made);
    return () => void this.#onMade.delete(made);
  }

  #forget(): void {
    const idle = [...this.#sessions].filter(([, { users, session }]) => users === 0 && !session.busy);
    for (const [id, { session }] of idle.slice(0, Math.max(0, idle.length - KEPT_MAX))) {
      session.close();
      this.#sessions.delete(id);
    }
  }
}

const ofHub = new WeakMap<Hub, Sessions>();

export function useSessions(): Sessions {
  const hub = useHub();
  const clients = useClients();
  const known = ofHub.get(hub);
  const sessions = known ?? new Sessions(clients, hub);
  if (!known) {
    ofHub.set(hub, sessions);
  }
  return sessions;
}

/** The session of a conversation, live as long as the caller is mounted. */
export function useSession(conversationId: string): Session {
  const sessions = useSessions();
  useEvents((event) => sessions.event(event));
  useEffect(() => sessions.use(conversationId), [sessions, conversationId]);
  const session = sessions.get(conversationId);
  useEffect(() => {
    // What was typed in the last moment before a reload is typed, too.
    const keep = () => session.keepDraft();
    window.addEventListener("pagehide", keep);
    document.addEventListener("visibilitychange", keep);
    return () => {
      window.removeEventListener("pagehide", keep);
      document.removeEventListener("visibilitychange", keep);
    };
  }, [session]);
  return session;
}

export function useSessionState<T>(session: Session, select: (state: SessionState) => T): T {
  return useStore(session.store, useShallow(select));
}
