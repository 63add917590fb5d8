// One open conversation: reads it, follows it, and sends into it.
// It must not know how it is shown; whoever shows it reads the store.

import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clients } from "../api/clients.ts";
import {
  type Message,
  Message_Role,
  Message_State,
  MessageSchema,
} from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  ConversationChanged_Kind,
  type Event,
  MessageChanged_Kind,
} from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Hub } from "../hub/hub.ts";
import type { Answer } from "./answer.ts";
import { keepDraft, readDraft, shelfOf } from "./drafts.ts";
import type { Picture } from "./images.ts";
import { byteLength } from "./offsets.ts";
import type { Outgoing, Recorded } from "./outgoing.ts";
import { Reading } from "./reading.ts";
import { Sending } from "./sending.ts";
import { isCommand, recordedText } from "./slash.ts";
import { type Draft, initialState, type SessionState, type Settings } from "./state.ts";
import { newestLeaf, streamingOf } from "./tree.ts";
import { Watching } from "./watching.ts";

export interface Surroundings {
  readonly clients: Clients;
  readonly hub: Hub;
  /** A new conversation was made by sending: where it goes on. */
  adopt(recorded: Recorded, messages: readonly Message[]): void;
}

const FOLLOWED_MAX = 16;
/** Events carry at most 1 KiB of a text; a character of four bytes may be cut off whole. */
const EXCERPT_BYTES = 1024 - 3;
const DRAFT_MS = 400;
const drafts = shelfOf(() => localStorage);

export class Session {
  readonly id: string;
  readonly store: StoreApi<SessionState>;
  readonly #around: Surroundings;
  readonly #watching: Watching;
  readonly #reading: Reading;
  readonly #sending: Sending;
  #active = false;
  #leaveHub: (() => void) | undefined;
  #draftTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string, around: Surroundings) {
    this.id = id;
    this.#around = around;
    this.store = createStore(() => initialState(id === "", readDraft(drafts, id)));
    const { chat } = around.clients;
    this.#reading = new Reading(id, chat, this.store, () => this.#follow());
    this.#sending = new Sending(chat, this.store, {
      recorded: (what, recorded) => this.#recorded(what, recorded),
      putBack: (draft) => this.setDraft(draft),
    });
    this.#watching = new Watching(around.hub, {
      changed: (answers) => this.#answersChanged(answers),
      finished: (messageId, message, answer) => this.#answerFinished(messageId, message, answer),
      failed: (messageId) => this.#reading.fetchLater(messageId),
    });
  }

  get busy(): boolean {
    return this.#sending.busy;
  }

  /** Somebody looks at it. */
  activate(): void {
    if (this.#active) {
      return;
    }
    this.#active = true;
    const { connection } = this.#around.hub;
    let online = connection.get().state === "online";
    this.#leaveHub = connection.subscribe(() => {
      const now = connection.get().state === "online";
      if (now && !online) {
        this.#sending.hurry();
        void this.refresh();
      }
      online = now;
    });
    this.#follow();
    this.#reading.start();
    this.#sending.resume(this.id);
  }

  /** Nobody looks any more. What is on its way is still sent. */
  deactivate(): void {
    this.#active = false;
    this.#leaveHub?.();
    this.#watching.close();
    this.#reading.stop();
    this.keepDraft();
    this.store.setState({ answers: new Map() });
  }

  close(): void {
    this.deactivate();
    this.#sending.close();
  }

  refresh(): Promise<void> {
    return this.#reading.refresh();
  }

  older(): Promise<void> {
    return this.#reading.older();
  }

  /** Milliseconds that an answer's thinking took, where this page has seen it. */
  thoughtFor(messageId: string): number | undefined {
    return this.#watching.thought.get(messageId);
  }

  /** A live event of the workspace. */
  event({ payload }: Event): void {
    if (!this.#active || this.id === "") {
      return;
    }
    if (payload.case === "conversation" && payload.value.conversation?.id === this.id) {
      const { kind, conversation } = payload.value;
      if (kind === ConversationChanged_Kind.DELETED) {
        this.store.setState({ gone: true });
        this.#watching.close();
        this.#reading.stop();
      } else {
        this.store.setState({ conversation });
        this.#reading.moveTo(conversation.headMessageId);
      }
    } else if (payload.case === "message" && payload.value.message?.conversationId === this.id) {
      this.#messageChanged(payload.value.kind, payload.value.message);
    }
  }

  #messageChanged(kind: MessageChanged_Kind, message: Message): void {
    if (kind === MessageChanged_Kind.FINISHED) {
      // Whoever follows it is told all of it; the event has only its beginning.
      if (!this.#watching.follows(message.id)) {
        void this.#reading.fetch(message.id);
      }
      return;
    }
    if (!this.store.getState().tree.messages.has(message.id)) {
      const mine = this.#recognise(message);
      this.#reading.merge([message]);
      // Events leave out images, and the rest of a long text.
      if (!mine && message.role === Message_Role.USER) {
        void this.#reading.fetch(message.id);
      }
    }
    if (message.role === Message_Role.ASSISTANT) {
      this.#reading.moveTo(message.id);
    }
    this.#follow();
  }

  /** The event may come before the call's own answer: then it is not shown twice. */
  #recognise(message: Message): boolean {
    const isMine = ({ what, phase }: Outgoing) =>
      phase !== "failed" &&
      what.kind === "send" &&
      message.role === Message_Role.USER &&
      recordedText(what.text).startsWith(message.content) &&
      (recordedText(what.text) === message.content || isExcerpt(message));
    const mine = this.store.getState().outbox.find(isMine);
    if (mine) {
      this.#sending.put({ ...mine, phase: "recorded" });
    }
    return mine !== undefined;
  }

  /** Shows the newest branch through a message; for everybody, where that is allowed. */
  async show(messageId: string, everybody: boolean): Promise<void> {
    const { tree, head: before } = this.store.getState();
    const head = newestLeaf(tree, messageId);
    if (head !== before) {
      this.#reading.moveTo(head);
      if (everybody) {
        const request = { conversationId: this.id, headMessageId: head };
        await this.#around.clients.chat.updateConversation(request);
      }
    }
  }

  /** Says something after the branch that is shown, or at another place (an edit). */
  send(text: string, images: readonly Picture[], parentId?: string): void {
    const { head, settings } = this.store.getState();
    const place = this.id === "" ? settings : { parentId: parentId ?? (head === "" ? undefined : head) };
    this.#sending.send({ kind: "send", conversationId: this.id, text, images, ...place });
  }

  /** Asks for another answer beside one, or for one to a person's message. */
  regenerate(messageId: string, model?: string): void {
    this.#sending.send({ kind: "regenerate", conversationId: this.id, messageId, model });
  }

  retry(outgoing: Outgoing): void {
    this.#sending.retry(outgoing);
  }

  discard(requestId: string): void {
    this.#sending.discard(requestId);
  }

  async stop(messageId: string): Promise<void> {
    const { stopping } = this.store.getState();
    if (stopping.has(messageId)) {
      return;
    }
    this.store.setState({ stopping: new Set([...stopping, messageId]) });
    try {
      const { message } = await this.#around.clients.chat.stopMessage({ messageId });
      // Whoever follows it gets it in its place, behind the last text.
      if (message && !this.#watching.follows(messageId)) {
        this.#reading.merge([message]);
      }
    } finally {
      const rest = [...this.store.getState().stopping].filter((id) => id !== messageId);
      this.store.setState({ stopping: new Set(rest) });
    }
  }

  setDraft(draft: Draft): void {
    this.store.setState({ draft, ...(draft.text === "" ? { refused: undefined } : {}) });
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => this.keepDraft(), DRAFT_MS);
  }

  /** Now, if it was typed here: another tab may have typed since into the same conversation. */
  keepDraft(): void {
    if (this.#draftTimer !== undefined) {
      clearTimeout(this.#draftTimer);
      this.#draftTimer = undefined;
      keepDraft(drafts, this.id, this.store.getState().draft.text);
    }
  }

  setSettings(settings: Settings): void {
    this.store.setState({ settings });
  }

  /** Of a conversation that was just made by sending. */
  seed(recorded: Recorded, messages: readonly Message[]): void {
    this.#reading.merge(messages);
    this.#reading.moveTo(recorded.answerId);
    this.store.setState({ loaded: true });
    this.#follow();
  }

  #recorded(what: Outgoing["what"], recorded: Recorded): void {
    const { tree } = this.store.getState();
    const messages = messagesOf(what, recorded).filter(({ id }) => {
      const known = tree.messages.get(id);
      return !known || (known.role === Message_Role.USER && isExcerpt(known));
    });
    if (this.id === "") {
      this.store.setState({ settings: { model: "", system: "" } });
      this.#around.adopt(recorded, messages);
    } else {
      this.seed(recorded, messages);
    }
  }

  #answersChanged(changed: ReadonlyMap<string, Answer>): void {
    this.store.setState({ answers: new Map([...this.store.getState().answers, ...changed]) });
  }

  #answerFinished(messageId: string, message: Message | undefined, answer: Answer): void {
    if (message) {
      this.#reading.merge([message]);
    } else {
      void this.#reading.fetch(messageId);
    }
    const answers = new Map(this.store.getState().answers);
    // What only the steps tell stays with it while the page lives.
    answers.set(messageId, { ...answer, text: "", thinking: "", calls: [], before: undefined });
    this.store.setState({ answers });
  }

  #follow(): void {
    if (this.#active) {
      const streaming = streamingOf(this.store.getState().tree, FOLLOWED_MAX);
      this.#watching.follow(new Set(streaming.map(({ id }) => id)));
    }
  }
}

/** What was recorded, as far as it is known here; the server's own words follow. */
function messagesOf(
  what: Outgoing["what"],
  { conversationId, parentId, answerId }: Recorded,
): readonly Message[] {
  const common = {
    conversationId,
    createTime: timestampNow(),
    command: what.kind === "send" && isCommand(what.text),
  };
  const answer = create(MessageSchema, {
    ...common,
    id: answerId,
    parentId,
    role: Message_Role.ASSISTANT,
    state: Message_State.STREAMING,
  });
  if (what.kind === "regenerate") {
    return [answer];
  }
  const said = create(MessageSchema, {
    ...common,
    id: parentId,
    parentId: what.parentId ?? "",
    role: Message_Role.USER,
    state: Message_State.COMPLETE,
    content: recordedText(what.text),
    images: what.images.map(({ mediaType, data }) => ({ mediaType, data, sizeBytes: BigInt(data.length) })),
  });
  return [said, answer];
}

function isExcerpt(message: Message): boolean {
  return byteLength(message.content) >= EXCERPT_BYTES;
}
