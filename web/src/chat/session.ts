// One open conversation: reads it, follows it, and sends into it.
// It must not know how it is shown; whoever shows it reads the store.

import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clients } from "../api/clients.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import {
  type Message,
  Message_Role,
  Message_State,
  MessageSchema,
} from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  ConversationChanged_Kind,
  type Event,
  type MessageChanged,
  MessageChanged_Kind,
} from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Hub } from "../hub/hub.ts";
import type { Answer } from "./answer.ts";
import { keepDraft, readDraft } from "./drafts.ts";
import type { Picture } from "./images.ts";
import { byteLength } from "./offsets.ts";
import { forgetOutgoing, keepOutgoing, outgoingOf } from "./outbox.ts";
import { deliver, freshId, type Outgoing, type Recorded, saysTheSame } from "./outgoing.ts";
import { type Draft, initialState, type SessionState, type Settings } from "./state.ts";
import { newestLeaf, streamingOf, withMessages } from "./tree.ts";
import { Watching } from "./watching.ts";

export interface Surroundings {
  readonly clients: Clients;
  readonly hub: Hub;
  /** A new conversation was made by sending: where it goes on. */
  adopt(recorded: Recorded, messages: readonly Message[]): void;
}

const FIRST_PAGE = 50;
const OLDER_PAGE = 100;
/** The rest of the tree is read in the background, up to here. */
const TREE_PAGE = 200;
const TREE_MESSAGES_MAX = 2000;
const TREE_LETTERS_MAX = 8_000_000;
const FOLLOWED_MAX = 16;
/** Events carry at most 1 KiB of a text; a character of four bytes may be cut off whole. */
const EXCERPT_BYTES = 1024 - 3;
const DRAFT_MS = 400;
const AGAIN_MS = 5000;

export class Session {
  readonly id: string;
  readonly store: StoreApi<SessionState>;
  readonly #around: Surroundings;
  readonly #watching: Watching;
  readonly #closed = new AbortController();
  /** Who waits for a better moment to send again. */
  readonly #impatient = new Set<() => void>();
  #active = false;
  #leaveHub: (() => void) | undefined;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #draftTimer: ReturnType<typeof setTimeout> | undefined;
  /** Counts what moved the head, so that a list's older answer does not move it back. */
  #moves = 0;
  #reads = 0;
  /** What was refused last: sent again unchanged, it is the same request. */
  #lastRefused: Outgoing | undefined;

  constructor(id: string, around: Surroundings) {
    this.id = id;
    this.#around = around;
    this.store = createStore(() => initialState(id === "", readDraft(localStorage, id)));
    this.#watching = new Watching(around.hub, {
      changed: (answers) => this.#answersChanged(answers),
      finished: (messageId, message, answer) => this.#answerFinished(messageId, message, answer),
      failed: (messageId) => this.#later(AGAIN_MS, () => void this.#fetch(messageId)),
    });
  }

  get #chat() {
    return this.#around.clients.chat;
  }

  /** Somebody looks at it. */
  activate(): void {
    if (this.#active) {
      return;
    }
    this.#active = true;
    let online = this.#around.hub.connection.get().state === "online";
    this.#leaveHub = this.#around.hub.connection.subscribe(() => {
      const now = this.#around.hub.connection.get().state === "online";
      if (now && !online) {
        this.#hurry();
        void this.refresh();
      }
      online = now;
    });
    this.#follow();
    void this.refresh();
    for (const outgoing of outgoingOf(sessionStorage, this.id, Date.now())) {
      if (!this.store.getState().outbox.some((one) => one.requestId === outgoing.requestId)) {
        void this.#deliver(outgoing);
      }
    }
  }

  /** Nobody looks any more. What is on its way is still sent. */
  deactivate(): void {
    this.#active = false;
    this.#leaveHub?.();
    this.#watching.close();
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#timers.clear();
    this.#keepDraft();
    this.#set({ answers: new Map() });
  }

  close(): void {
    this.deactivate();
    this.#closed.abort();
    this.#hurry();
  }

  get busy(): boolean {
    return this.store.getState().outbox.some(({ phase }) => phase === "sending" || phase === "waiting");
  }

  thoughtFor(messageId: string): number | undefined {
    return this.#watching.thought.get(messageId);
  }

  /** Reads the shown branch anew, then the rest of the tree. */
  async refresh(): Promise<void> {
    if (this.id === "" || !this.#active) {
      return;
    }
    this.#reads += 1;
    const read = this.#reads;
    const moves = this.#moves;
    const conversationId = this.id;
    try {
      const [found, page] = await Promise.all([
        this.#chat.getConversation({ conversationId }),
        this.#chat.listMessages({ conversationId, shownOnly: true, pageSize: FIRST_PAGE }),
      ]);
      if (read !== this.#reads || !this.#active) {
        return;
      }
      const { olderToken, loaded } = this.store.getState();
      const tree = withMessages(this.store.getState().tree, page.messages);
      const wanted = found.conversation?.headMessageId ?? "";
      const listed = page.messages[0]?.id ?? "";
      const head =
        this.#moves !== moves ? this.store.getState().head : tree.messages.has(wanted) ? wanted : listed;
      this.#set({
        conversation: found.conversation,
        tree,
        head,
        loaded: true,
        problem: undefined,
        olderToken: loaded ? olderToken : page.nextPageToken,
      });
      this.#follow();
    } catch (error) {
      this.#readFailed(failureOf(error), read);
      return;
    }
    await this.#readTree(read);
  }

  #readFailed(failure: Failure, read: number): void {
    if (read !== this.#reads || !this.#active) {
      return;
    }
    const gone = failure.code === "not_found" || failure.code === "invalid_argument";
    this.#set({ problem: failure, gone });
    if (!gone && failure.retryable) {
      this.#later(AGAIN_MS, () => void this.refresh());
    }
  }

  /** All branches: a message's siblings are only known when all are. */
  async #readTree(read: number): Promise<void> {
    let pageToken = "";
    let letters = 0;
    for (let count = 0; count < TREE_MESSAGES_MAX && letters < TREE_LETTERS_MAX; ) {
      const request = { conversationId: this.id, pageSize: TREE_PAGE, pageToken };
      const page = await this.#chat.listMessages(request).catch(() => undefined);
      if (!page || read !== this.#reads || !this.#active) {
        return;
      }
      this.#merge(page.messages);
      count += page.messages.length;
      letters += page.messages.reduce((sum, one) => sum + one.content.length + one.thinking.length, 0);
      pageToken = page.nextPageToken;
      if (pageToken === "") {
        this.#set({ olderToken: "" });
        return;
      }
    }
  }

  /** Reads more of the shown branch's beginning. */
  async older(): Promise<void> {
    const { olderToken, loadingOlder } = this.store.getState();
    if (olderToken === "" || loadingOlder) {
      return;
    }
    this.#set({ loadingOlder: true });
    try {
      const request = {
        conversationId: this.id,
        shownOnly: true,
        pageSize: OLDER_PAGE,
        pageToken: olderToken,
      };
      const page = await this.#chat.listMessages(request);
      this.#merge(page.messages);
      this.#set({ olderToken: page.nextPageToken });
    } catch (error) {
      this.#set({ problem: failureOf(error) });
    } finally {
      this.#set({ loadingOlder: false });
    }
  }

  /** A live event of the workspace. */
  event({ payload }: Event): void {
    if (!this.#active || this.id === "") {
      return;
    }
    if (payload.case === "conversation" && payload.value.conversation?.id === this.id) {
      const { kind, conversation } = payload.value;
      if (kind === ConversationChanged_Kind.DELETED) {
        this.#set({ gone: true });
        this.#watching.close();
        return;
      }
      this.#set({ conversation });
      this.#moveTo(conversation.headMessageId);
    } else if (payload.case === "message" && payload.value.message?.conversationId === this.id) {
      this.#messageChanged(payload.value.kind, payload.value.message);
    }
  }

  #messageChanged(kind: MessageChanged_Kind, message: NonNullable<MessageChanged["message"]>): void {
    const known = this.store.getState().tree.messages.get(message.id);
    if (kind === MessageChanged_Kind.FINISHED) {
      // Whoever follows it is told all of it; the event has only its beginning.
      if (!this.#watching.follows(message.id)) {
        void this.#fetch(message.id);
      }
      return;
    }
    if (!known) {
      const mine = this.#recognise(message);
      this.#merge([message]);
      if (!mine && (message.role === Message_Role.USER || isExcerpt(message))) {
        void this.#fetch(message.id);
      }
    }
    if (message.role === Message_Role.ASSISTANT) {
      this.#moveTo(message.id);
    }
    this.#follow();
  }

  /** The event may come before the call's own answer: then it is not shown twice. */
  #recognise(message: Message): boolean {
    const { outbox } = this.store.getState();
    const mine = outbox.find(
      ({ what, phase }) =>
        phase !== "failed" &&
        what.kind === "send" &&
        message.role === Message_Role.USER &&
        what.text.startsWith(message.content) &&
        (what.text === message.content || isExcerpt(message)),
    );
    if (mine) {
      this.#putOutgoing({ ...mine, phase: "recorded" });
    }
    return mine !== undefined;
  }

  #moveTo(head: string): void {
    this.#moves += 1;
    const { tree } = this.store.getState();
    if (head === "" || tree.messages.has(head)) {
      this.#set({ head });
    } else {
      void this.refresh();
    }
  }

  /** Shows the newest branch through a message; for everybody, where that is allowed. */
  async show(messageId: string, everybody: boolean): Promise<void> {
    const before = this.store.getState().head;
    const head = newestLeaf(this.store.getState().tree, messageId);
    if (head === before) {
      return;
    }
    this.#moveTo(head);
    if (everybody) {
      await this.#chat.updateConversation({ conversationId: this.id, headMessageId: head });
    }
  }

  /** Says something after the branch that is shown, or at another place (an edit). */
  send(text: string, images: readonly Picture[], parentId?: string): void {
    const { head, settings } = this.store.getState();
    const isNew = this.id === "";
    const after = parentId ?? (head === "" ? undefined : head);
    const what: Outgoing["what"] = {
      kind: "send",
      conversationId: this.id,
      text,
      images,
      ...(isNew ? { ...settings } : { parentId: after }),
    };
    const again =
      this.#lastRefused && saysTheSame(this.#lastRefused.what, what) ? this.#lastRefused : undefined;
    this.#lastRefused = undefined;
    void this.#deliver({
      requestId: again?.requestId ?? freshId(),
      what,
      since: Date.now(),
      phase: "sending",
    });
  }

  /** Asks for another answer beside one, or for one to a person's message. */
  regenerate(messageId: string, model?: string): void {
    const what = { kind: "regenerate" as const, conversationId: this.id, messageId, model };
    void this.#deliver({ requestId: freshId(), what, since: Date.now(), phase: "sending" });
  }

  /** Sends again what failed. */
  retry(outgoing: Outgoing): void {
    void this.#deliver({ ...outgoing, phase: "sending", failure: undefined, since: Date.now() });
  }

  /** Forgets what failed. */
  discard(requestId: string): void {
    forgetOutgoing(sessionStorage, requestId);
    this.#set({ outbox: this.store.getState().outbox.filter((one) => one.requestId !== requestId) });
  }

  async stop(messageId: string): Promise<void> {
    const { stopping } = this.store.getState();
    if (stopping.has(messageId)) {
      return;
    }
    this.#set({ stopping: new Set([...stopping, messageId]) });
    try {
      const { message } = await this.#chat.stopMessage({ messageId });
      // Whoever follows it gets it in its place, behind the last text.
      if (message && !this.#watching.follows(messageId)) {
        this.#merge([message]);
      }
    } finally {
      const rest = [...this.store.getState().stopping].filter((id) => id !== messageId);
      this.#set({ stopping: new Set(rest) });
    }
  }

  setDraft(draft: Draft): void {
    this.#set({ draft, ...(draft.text === "" ? { refused: undefined } : {}) });
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => this.#keepDraft(), DRAFT_MS);
  }

  setSettings(settings: Settings): void {
    this.#set({ settings });
  }

  /** Of a conversation that was just made by sending. */
  seed(recorded: Recorded, messages: readonly Message[]): void {
    this.#merge(messages);
    this.#set({ head: recorded.answerId, loaded: true });
    this.#moves += 1;
    this.#follow();
  }

  async #deliver(outgoing: Outgoing): Promise<void> {
    this.#putOutgoing(outgoing);
    keepOutgoing(sessionStorage, outgoing);
    try {
      const recorded = await deliver(this.#chat, outgoing, {
        waiting: (failure) => this.#putOutgoing({ ...outgoing, phase: "waiting", failure }),
        pause: (milliseconds) => this.#pause(milliseconds),
        signal: this.#closed.signal,
      });
      this.discard(outgoing.requestId);
      this.#recorded(outgoing, recorded);
    } catch (error) {
      if (!this.#closed.signal.aborted) {
        this.#refused(outgoing, failureOf(error));
      }
    }
  }

  #recorded({ what }: Outgoing, recorded: Recorded): void {
    const messages = messagesOf(what, recorded).filter(({ id }) => {
      const known = this.store.getState().tree.messages.get(id);
      return !known || (known.role === Message_Role.USER && isExcerpt(known));
    });
    if (this.id === "") {
      this.#set({ settings: { model: "", system: "" } });
      this.#around.adopt(recorded, messages);
      return;
    }
    this.#merge(messages);
    this.#moveTo(recorded.answerId);
    this.#follow();
  }

  /** The text goes back where it was typed; unless something else stands there: then it waits beside it. */
  #refused(outgoing: Outgoing, failure: Failure): void {
    forgetOutgoing(sessionStorage, outgoing.requestId);
    const { draft } = this.store.getState();
    const { what } = outgoing;
    if (what.kind === "send" && draft.text === "" && draft.images.length === 0) {
      this.discard(outgoing.requestId);
      this.setDraft({ text: what.text, images: what.images });
      this.#lastRefused = outgoing;
      this.#set({ refused: failure });
    } else {
      this.#putOutgoing({ ...outgoing, phase: "failed", failure });
    }
  }

  #putOutgoing(outgoing: Outgoing): void {
    const others = this.store.getState().outbox.filter((one) => one.requestId !== outgoing.requestId);
    this.#set({ outbox: [...others, outgoing] });
  }

  #answersChanged(changed: ReadonlyMap<string, Answer>): void {
    this.#set({ answers: new Map([...this.store.getState().answers, ...changed]) });
  }

  #answerFinished(messageId: string, message: Message | undefined, answer: Answer): void {
    if (message) {
      this.#merge([message]);
    } else {
      void this.#fetch(messageId);
    }
    const answers = new Map(this.store.getState().answers);
    // What only the steps tell stays with it while the page lives.
    answers.set(messageId, { ...answer, text: "", thinking: "", calls: [], before: undefined });
    this.#set({ answers });
  }

  async #fetch(messageId: string): Promise<void> {
    try {
      const { message } = await this.#chat.getMessage({ messageId });
      if (message && this.#active) {
        this.#merge([message]);
        this.#follow();
        if (message.state === Message_State.STREAMING && message.id !== "") {
          this.#later(AGAIN_MS, () => void this.#fetch(messageId));
        }
      }
    } catch (error) {
      if (failureOf(error).retryable) {
        this.#later(AGAIN_MS, () => void this.#fetch(messageId));
      }
    }
  }

  #merge(messages: readonly Message[]): void {
    this.#set({ tree: withMessages(this.store.getState().tree, messages) });
  }

  #follow(): void {
    if (this.#active) {
      const streaming = streamingOf(this.store.getState().tree, FOLLOWED_MAX);
      this.#watching.follow(new Set(streaming.map(({ id }) => id)));
    }
  }

  #keepDraft(): void {
    clearTimeout(this.#draftTimer);
    keepDraft(localStorage, this.id, this.store.getState().draft.text);
  }

  #later(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, milliseconds);
    this.#timers.add(timer);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        this.#impatient.delete(end);
        done();
      };
      const timer = setTimeout(end, milliseconds);
      this.#impatient.add(end);
    });
  }

  #hurry(): void {
    for (const end of [...this.#impatient]) {
      end();
    }
  }

  #set(news: Partial<SessionState>): void {
    this.store.setState(news);
  }
}

/** What was recorded, as far as it is known here; the server's own words follow. */
function messagesOf(
  what: Outgoing["what"],
  { conversationId, parentId, answerId }: Recorded,
): readonly Message[] {
  const command = what.kind === "send" && /^\/(?!\/)/.test(what.text);
  const createTime = timestampNow();
  const answer = create(MessageSchema, {
    id: answerId,
    conversationId,
    parentId,
    role: Message_Role.ASSISTANT,
    state: Message_State.STREAMING,
    createTime,
    command,
  });
  if (what.kind === "regenerate") {
    return [answer];
  }
  const said = create(MessageSchema, {
    id: parentId,
    conversationId,
    parentId: what.parentId ?? "",
    role: Message_Role.USER,
    state: Message_State.COMPLETE,
    content: what.text,
    images: what.images.map(({ mediaType, data }) => ({ mediaType, data, sizeBytes: BigInt(data.length) })),
    createTime,
    command,
  });
  return [said, answer];
}

function isExcerpt(message: Message): boolean {
  return byteLength(message.content) >= EXCERPT_BYTES;
}
