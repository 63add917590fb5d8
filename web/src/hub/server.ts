// The hub's side of the conversation with pages: who is there, with which token, and what each subscribed to.
//
// It runs in the SharedWorker, or in the tab that leads. It must not know how messages travel.

import { type Clients, makeClients } from "../api/clients.ts";
import type { Failure } from "../api/failure.ts";
import type { MessageEvent } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Event } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Connection, OpenedTerminal } from "./hub.ts";
import { locks } from "./locks.ts";
import type { FromHub, TerminalItem, ToHub } from "./protocol.ts";
import type { Item } from "./ring.ts";
import { connectionsOfOrigin, Session } from "./session.ts";
import type { Joined } from "./shell.ts";

/** A page that holds no lock says every now and then that it lives; hidden ones are slow to say it. */
const SILENCE_MS = 180_000;

/** A way to one page. */
export interface Peer {
  post(message: FromHub, transfer?: Transferable[]): void;
  /** The page has left. */
  gone?(): void;
}

interface Page {
  peer: Peer;
  token: string | undefined;
  subscriptions: Map<number, Joined>;
  heard: number;
  gone: AbortController;
}

interface Shared {
  session: Session;
  pages: Set<Page>;
}

export class HubServer {
  private readonly sessions = new Map<string, Shared>();
  private readonly pages = new Map<Peer, Page>();
  private readonly connections = connectionsOfOrigin();
  private closed = false;
  private readonly sweeping: ReturnType<typeof setInterval>;

  /** `lock` is the name of a lock that this hub holds as long as it lives. */
  constructor(
    private readonly lock: string | undefined,
    private readonly clients = (token: string, signal: AbortSignal): Clients => makeClients(token, signal),
  ) {
    this.sweeping = setInterval(() => this.sweep(), SILENCE_MS / 3);
  }

  close(): void {
    this.closed = true;
    clearInterval(this.sweeping);
    for (const peer of [...this.pages.keys()]) {
      this.leave(peer);
    }
  }

  take(peer: Peer, message: ToHub): void {
    if (this.closed) {
      return;
    }
    const page = this.pages.get(peer);
    if (message.kind === "hello") {
      this.forget(peer);
      this.join(peer, message.token, message.lock);
      return;
    }
    if (!page) {
      if (message.kind !== "bye") {
        peer.post({ kind: "forgotten" });
      }
      return;
    }
    page.heard = Math.max(page.heard, Date.now());
    const session = page.token === undefined ? undefined : this.sessions.get(page.token)?.session;
    switch (message.kind) {
      case "bye":
        this.leave(peer);
        break;
      case "wake":
        session?.link.wake();
        break;
      case "doubt":
        session?.doubt();
        break;
      case "taken":
        page.subscriptions.get(message.id)?.taken(message.amount);
        break;
      case "drop":
        page.subscriptions.get(message.id)?.leave();
        page.subscriptions.delete(message.id);
        break;
      case "events":
      case "terminal":
      case "message":
        if (session) {
          this.subscribe(page, session, message);
        }
        break;
      case "alive":
        break;
    }
  }

  leave(peer: Peer): void {
    if (this.forget(peer)) {
      peer.gone?.();
    }
  }

  private forget(peer: Peer): boolean {
    const page = this.pages.get(peer);
    if (!page) {
      return false;
    }
    this.pages.delete(peer);
    page.gone.abort();
    for (const subscription of page.subscriptions.values()) {
      subscription.leave();
    }
    const shared = page.token === undefined ? undefined : this.sessions.get(page.token);
    shared?.pages.delete(page);
    if (shared && page.token !== undefined && shared.pages.size === 0) {
      this.sessions.delete(page.token);
      shared.session.close();
    }
    return true;
  }

  private join(peer: Peer, token: string, lock: string | undefined): void {
    const gone = new AbortController();
    const page: Page = { peer, token, subscriptions: new Map(), heard: Date.now(), gone };
    if (lock) {
      page.heard = Number.POSITIVE_INFINITY;
      // A port has no event for its end; the page's lock falls whenever and however the page goes.
      void locks()
        ?.request(lock, { signal: gone.signal }, () => this.leave(peer))
        .catch(() => {});
    }
    this.pages.set(peer, page);
    const shared = this.sessions.get(token) ?? this.open(token);
    shared.pages.add(page);
    peer.post({ kind: "welcome", lock: this.lock });
    shared.session.reset();
    peer.post({ kind: "connection", connection: shared.session.link.connection });
  }

  private open(token: string): Shared {
    const pages = new Set<Page>();
    const tell = (connection: Connection) => {
      for (const page of pages) {
        page.peer.post({ kind: "connection", connection });
      }
    };
    const shared = {
      session: new Session((signal) => this.clients(token, signal), this.connections, tell),
      pages,
    };
    this.sessions.set(token, shared);
    return shared;
  }

  private subscribe(
    page: Page,
    session: Session,
    message: Extract<ToHub, { kind: "events" | "terminal" | "message" }>,
  ): void {
    const { id } = message;
    const { peer } = page;
    page.subscriptions.get(id)?.leave();
    let isOver = false;
    const keep = (joined: Joined) => (isOver ? joined.leave() : page.subscriptions.set(id, joined));
    // What it read is not kept for it any longer. It may be over before it is known here.
    const over = () => {
      isOver = true;
      page.subscriptions.get(id)?.leave();
      page.subscriptions.delete(id);
    };
    const failed = (why: Failure) => {
      over();
      const { reason } = why;
      const expired = message.kind === "events" && (reason === "CURSOR_EXPIRED" || reason === "CURSOR_AHEAD");
      peer.post(expired ? { kind: "expired", id } : { kind: "failed", id, why });
    };
    const finished = () => {
      over();
      peer.post({ kind: "finished", id });
    };
    if (message.kind === "events") {
      const give = (items: Item<Event>[]) => peer.post({ kind: "events", id, events: items.map(contentOf) });
      keep(session.events.join(message.after, { give, finished, failed }));
    } else if (message.kind === "message") {
      const give = (items: Item<MessageEvent>[]) =>
        peer.post({ kind: "message", id, events: items.map(contentOf) });
      const reader = { give, finished, failed };
      keep(session.messages.join(message.messageId, message.after, reader));
    } else {
      const reader = {
        opened: (at: OpenedTerminal) => peer.post({ kind: "opened", id, ...at }),
        give: (items: Item<TerminalItem>[]) => giveItems(peer, id, items),
        finished: over,
        failed,
      };
      keep(session.terminals.join(message, reader));
    }
  }

  private sweep(): void {
    const oldest = Date.now() - SILENCE_MS;
    for (const [peer, page] of this.pages) {
      if (page.heard < oldest) {
        this.leave(peer);
      }
    }
  }
}

function contentOf<T>(item: Item<T>): T {
  return item.value;
}

/** The page gets bytes of its own: what is posted is a view into a larger buffer, and would take that along. */
function giveItems(peer: Peer, id: number, items: Item<TerminalItem>[]): void {
  const transfer: Transferable[] = [];
  const copies = items.map(({ value }): TerminalItem => {
    if (!("output" in value)) {
      return value;
    }
    const output = value.output.slice();
    transfer.push(output.buffer);
    return { output, offset: value.offset };
  });
  peer.post({ kind: "items", id, items: copies }, transfer);
}
