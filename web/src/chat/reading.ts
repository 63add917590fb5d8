// Reads a conversation from the server into its store: the shown branch first, then the other branches.
// It must not know of events, nor of what is sent.

import type { StoreApi } from "zustand/vanilla";
import type { Clients } from "../api/clients.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Message } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { SessionState } from "./state.ts";
import { isOver, withMessages } from "./tree.ts";

const FIRST_PAGE = 50;
const OLDER_PAGE = 100;
/** The rest of the tree is read in the background, up to here. */
const TREE_PAGE = 200;
const TREE_MESSAGES_MAX = 2000;
const TREE_LETTERS_MAX = 8_000_000;
const AGAIN_MS = 5000;

export class Reading {
  readonly #id: string;
  readonly #chat: Clients["chat"];
  readonly #store: StoreApi<SessionState>;
  /** Messages have come. */
  readonly #came: () => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #active = false;
  /** Counts what moved the head, so that a list's older answer does not move it back. */
  #moves = 0;
  #reads = 0;
  /** All branches were read once: then only what is new is read again. */
  #whole = false;

  constructor(id: string, chat: Clients["chat"], store: StoreApi<SessionState>, came: () => void) {
    this.#id = id;
    this.#chat = chat;
    this.#store = store;
    this.#came = came;
  }

  start(): void {
    this.#active = true;
    void this.refresh();
  }

  /** Answers that are still on their way are left aside. */
  stop(): void {
    this.#active = false;
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#timers.clear();
  }

  /** Shows the branch that ends at a message; reads it, if it is not here. */
  moveTo(head: string): void {
    this.#moves += 1;
    if (head === "" || this.#store.getState().tree.messages.has(head)) {
      this.#store.setState({ head });
    } else {
      void this.refresh();
    }
  }

  merge(messages: readonly Message[]): void {
    this.#store.setState({ tree: withMessages(this.#store.getState().tree, messages) });
  }

  /** Reads the shown branch anew, then the rest of the tree. */
  async refresh(): Promise<void> {
    if (this.#id === "" || !this.#active) {
      return;
    }
    this.#reads += 1;
    const read = this.#reads;
    const moves = this.#moves;
    const conversationId = this.#id;
    try {
      const [{ conversation }, page] = await Promise.all([
        this.#chat.getConversation({ conversationId }),
        this.#chat.listMessages({ conversationId, shownOnly: true, pageSize: FIRST_PAGE }),
      ]);
      if (!this.#isCurrent(read)) {
        return;
      }
      const state = this.#store.getState();
      const tree = withMessages(state.tree, page.messages);
      const wanted = conversation?.headMessageId ?? "";
      const listed = tree.messages.has(wanted) ? wanted : (page.messages[0]?.id ?? "");
      const head = this.#moves === moves ? listed : state.head;
      const olderToken = state.loaded ? state.olderToken : page.nextPageToken;
      this.#store.setState({ conversation, tree, head, olderToken, loaded: true, problem: undefined });
      this.#came();
    } catch (error) {
      if (this.#isCurrent(read)) {
        this.#failed(failureOf(error));
      }
      return;
    }
    await this.#readTree(read);
  }

  /** Reads more of the shown branch's beginning. */
  async older(): Promise<void> {
    const { olderToken: pageToken, loadingOlder } = this.#store.getState();
    if (pageToken === "" || loadingOlder) {
      return;
    }
    this.#store.setState({ loadingOlder: true });
    try {
      const request = { conversationId: this.#id, shownOnly: true, pageSize: OLDER_PAGE, pageToken };
      const page = await this.#chat.listMessages(request);
      this.merge(page.messages);
      this.#store.setState({ olderToken: page.nextPageToken });
    } catch (error) {
      this.#store.setState({ problem: failureOf(error) });
    } finally {
      this.#store.setState({ loadingOlder: false });
    }
  }

  /** Reads one message, whole; again for as long as it is being generated. */
  async fetch(messageId: string): Promise<void> {
    let again = false;
    try {
      const { message } = await this.#chat.getMessage({ messageId });
      if (message && this.#active) {
        this.merge([message]);
        this.#came();
        again = !isOver(message);
      }
    } catch (error) {
      again = failureOf(error).retryable;
    }
    if (again) {
      this.fetchLater(messageId);
    }
  }

  fetchLater(messageId: string): void {
    this.#later(() => void this.fetch(messageId));
  }

  #failed(failure: Failure): void {
    const gone = failure.code === "not_found" || failure.code === "invalid_argument";
    this.#store.setState({ problem: failure, gone });
    if (!gone && failure.retryable) {
      this.#later(() => void this.refresh());
    }
  }

  /** All branches: a message's siblings are only known when all are. */
  async #readTree(read: number): Promise<void> {
    let pageToken = "";
    let letters = 0;
    for (let count = 0; count < TREE_MESSAGES_MAX && letters < TREE_LETTERS_MAX; ) {
      const request = { conversationId: this.#id, pageSize: TREE_PAGE, pageToken };
      const page = await this.#chat.listMessages(request).catch(() => undefined);
      if (!page || !this.#isCurrent(read)) {
        return;
      }
      const { messages } = this.#store.getState().tree;
      const known = page.messages.every(({ id }) => messages.has(id));
      this.merge(page.messages);
      this.#came();
      count += page.messages.length;
      letters += page.messages.reduce((sum, one) => sum + one.content.length + one.thinking.length, 0);
      pageToken = page.nextPageToken;
      if (pageToken === "") {
        this.#whole = true;
        this.#store.setState({ olderToken: "" });
      }
      if (pageToken === "" || (known && this.#whole)) {
        return;
      }
    }
  }

  #isCurrent(read: number): boolean {
    return this.#active && read === this.#reads;
  }

  #later(run: () => void): void {
    if (!this.#active) {
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, AGAIN_MS);
    this.#timers.add(timer);
  }
}
