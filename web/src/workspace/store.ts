// The workspace as the page knows it: listed, then kept up to date by events.
//
// It must not know what is shown. What changes it are the server's events alone, never the page's wishes.

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clients } from "../api/clients.ts";
import { type Failure, failureOf, isRefused } from "../api/failure.ts";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Agent, Job, Queue } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import type { Terminal } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Event, WhoAmIResponse } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Hub, Unsubscribe } from "../hub/hub.ts";
import { pauseMs } from "../hub/link.ts";
import { listAll, listConversations } from "./lists.ts";
import { applyEvent, type Known, listedConversations, NOTHING, titled } from "./reduce.ts";

const QUEUE_MS = 1_000;

export interface WorkspaceState {
  /** The lists are there. */
  ready: boolean;
  /** Why they are not, or why nothing more comes. */
  problem?: Failure;
  me?: WhoAmIResponse;
  /** Live ones and the newest ended ones. */
  terminals: ReadonlyMap<string, Terminal>;
  /** The newest 200, what was loaded besides, and what events brought. */
  conversations: ReadonlyMap<string, Conversation>;
  /** There are older conversations: `loadMoreConversations`. */
  moreConversations: boolean;
  jobs: ReadonlyMap<string, Job>;
  agents: ReadonlyMap<string, Agent>;
  queue?: Queue;
  /** Newest first. */
  feed: readonly Event[];
  /** Lists the next older conversations; resolves when they are there. */
  loadMoreConversations(): Promise<void>;
  /** A terminal that is shown has set a title. */
  reportTitle(terminalId: string, title: string): void;
}

/** The state with its owner's handles. */
export class Workspace {
  readonly store: StoreApi<WorkspaceState>;
  private known: Known = NOTHING;
  private nextConversations = "";
  private unsubscribe: Unsubscribe | undefined;
  private waiting: Event[] = [];
  private failures = 0;
  private queueTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<(event: Event) => void>();
  private readonly closing = new AbortController();

  constructor(
    private readonly clients: Clients,
    private readonly hub: Hub,
  ) {
    this.store = createStore<WorkspaceState>(() => ({
      ready: false,
      ...shown(NOTHING),
      moreConversations: false,
      loadMoreConversations: () => this.loadMore(),
      reportTitle: (id, title) => this.update(titled(this.known, id, title)),
    }));
    void this.list();
  }

  /** Calls for each event, after the state has taken it. */
  onEvent(listener: (event: Event) => void): Unsubscribe {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.closing.abort();
    this.unsubscribe?.();
    clearTimeout(this.queueTimer);
    this.listeners.clear();
  }

  private update(known: Known): void {
    if (known !== this.known) {
      this.known = known;
      this.store.setState(shown(known));
    }
  }

  /** Lists until it works, then watches. */
  private async list(): Promise<void> {
    const { signal } = this.closing;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const [me, listed] = await Promise.all([
          this.clients.workspace.whoAmI({}, { signal }),
          listAll(this.clients, signal),
        ]);
        this.known = { ...listed.known, feed: this.known.feed };
        this.nextConversations = listed.nextConversations;
        const moreConversations = listed.nextConversations !== "";
        this.store.setState({ ready: true, me, problem: undefined, moreConversations, ...shown(this.known) });
        this.watch(listed.after);
        this.askQueue();
        return;
      } catch (error) {
        const problem = failureOf(error);
        if (signal.aborted) {
          return;
        }
        this.store.setState({ problem });
        if (isRefused(problem)) {
          return;
        }
        await this.untilHope(pauseMs(failures, Math.random()));
      }
    }
  }

  private watch(after: bigint): void {
    this.unsubscribe?.();
    this.unsubscribe = this.hub.events(after, {
      event: (event) => this.take(event),
      expired: () => void this.list(),
      failed: (problem) => void this.watchFailed(problem),
    });
  }

  /** Nothing more comes of this reading; another may work. */
  private async watchFailed(problem: Failure): Promise<void> {
    this.store.setState({ problem });
    if (!isRefused(problem)) {
      this.failures += 1;
      await this.untilHope(pauseMs(this.failures, Math.random()));
      await this.list();
    }
  }

  /** Events come in bunches, and one change of the state for a bunch is enough. */
  private take(event: Event): void {
    this.failures = 0;
    this.waiting.push(event);
    if (this.waiting.length === 1) {
      queueMicrotask(() => this.flush());
    }
  }

  private flush(): void {
    if (this.closing.signal.aborted) {
      return;
    }
    const events = this.waiting;
    this.waiting = [];
    this.update(events.reduce(applyEvent, this.known));
    if (events.some(({ payload }) => payload.case === "job" || payload.case === "agent")) {
      this.queueTimer ??= setTimeout(() => this.askQueue(), QUEUE_MS);
    }
    for (const event of events) {
      this.lookUp(event);
      for (const listener of [...this.listeners]) {
        listener(event);
      }
    }
  }

  /** A message in a conversation that is older than the list: it is asked for. */
  private lookUp({ payload }: Event): void {
    const message = payload.case === "message" ? payload.value.message : undefined;
    if (!message || this.known.conversations.has(message.conversationId)) {
      return;
    }
    this.clients.chat
      .getConversation({ conversationId: message.conversationId }, { signal: this.closing.signal })
      .then(({ conversation }) => {
        if (conversation) {
          this.update(listedConversations(this.known, [conversation]));
        }
      })
      // It was deleted meanwhile, or the next event asks again.
      .catch(() => {});
  }

  private askQueue(): void {
    this.queueTimer = undefined;
    this.clients.agents
      .getQueue({}, { signal: this.closing.signal })
      .then(({ queue }) => this.store.setState({ queue }))
      // The next event of a job asks again.
      .catch(() => {});
  }

  private async loadMore(): Promise<void> {
    const token = this.nextConversations;
    if (!token) {
      return;
    }
    const { items, next } = await listConversations(this.clients, token, this.closing.signal);
    if (this.nextConversations === token) {
      this.nextConversations = next;
      this.store.setState({ moreConversations: next !== "" });
    }
    this.update(listedConversations(this.known, items));
  }

  private untilHope(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.closing;
      const done = () => {
        clearTimeout(timer);
        window.removeEventListener("online", done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      window.addEventListener("online", done);
      signal.addEventListener("abort", done);
    });
  }
}

function shown({ terminals, conversations, jobs, agents, feed }: Known) {
  return { terminals, conversations, jobs, agents, feed };
}
