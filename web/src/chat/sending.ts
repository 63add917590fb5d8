// Sends into a conversation: what is on its way is in the store, and kept over a reload until it is recorded.
// It must not know how a conversation is read.

import type { StoreApi } from "zustand/vanilla";
import type { Clients } from "../api/clients.ts";
import { type Failure, failure, failureOf } from "../api/failure.ts";
import { uuidv7 } from "../api/uuid.ts";
import { shelfOf } from "./drafts.ts";
import { bytes } from "./format.ts";
import { byteLength } from "./offsets.ts";
import { forgetOutgoing, isOld, keepOutgoing, outgoingOf } from "./outbox.ts";
import { deliver, type Outgoing, type Recorded, saysTheSame } from "./outgoing.ts";
import type { Draft, SessionState } from "./state.ts";

export interface Sender {
  recorded(what: Outgoing["what"], recorded: Recorded): void;
  /** What was refused goes back to where it was typed. */
  putBack(draft: Draft): void;
}

/** What the server takes in one message. */
const TEXT_BYTES_MAX = 1024 * 1024;

/** For the tab. */
const kept = shelfOf(() => sessionStorage);

export class Sending {
  readonly #chat: Clients["chat"];
  readonly #store: StoreApi<SessionState>;
  readonly #sender: Sender;
  readonly #closed = new AbortController();
  /** Who waits for a better moment to send again. */
  readonly #impatient = new Set<() => void>();
  /** What was refused last: sent again unchanged, it is the same request. */
  #lastRefused: Outgoing | undefined;
  /** What a reload would lose: the storage has no room for it. */
  readonly #unkept = new Set<string>();
  readonly #ask = (event: BeforeUnloadEvent) => event.preventDefault();

  constructor(chat: Clients["chat"], store: StoreApi<SessionState>, sender: Sender) {
    this.#chat = chat;
    this.#store = store;
    this.#sender = sender;
  }

  get busy(): boolean {
    const { outbox } = this.#store.getState();
    return this.#unkept.size > 0 || outbox.some(({ phase }) => phase === "sending" || phase === "waiting");
  }

  /** Sends what was on its way when the page was left. */
  resume(conversationId: string): void {
    const { outbox } = this.#store.getState();
    for (const outgoing of outgoingOf(kept, conversationId, Date.now())) {
      if (!outbox.some(({ requestId }) => requestId === outgoing.requestId)) {
        if (outgoing.phase === "failed") {
          this.put(outgoing);
        } else {
          void this.#deliver(outgoing);
        }
      }
    }
  }

  send(what: Outgoing["what"]): void {
    const size = what.kind === "send" ? byteLength(what.text) : 0;
    if (size > TEXT_BYTES_MAX) {
      const words = `This message has ${bytes(size)}; one may have ${bytes(TEXT_BYTES_MAX)}. Shorten it, or send it in parts.`;
      this.#refused(
        { requestId: uuidv7(), what, since: Date.now(), phase: "failed" },
        failure("MESSAGE_TOO_LARGE", "invalid_argument", words),
      );
      return;
    }
    const last = this.#lastRefused;
    const requestId = last && saysTheSame(last.what, what) ? last.requestId : uuidv7();
    this.#lastRefused = undefined;
    void this.#deliver({ requestId, what, since: Date.now(), phase: "sending" });
  }

  /** Sends again what failed: the same request, unless the server may have forgotten its id. */
  retry(outgoing: Outgoing): void {
    const again: Outgoing = { ...outgoing, phase: "sending", failure: undefined };
    if (isOld(outgoing, Date.now())) {
      this.discard(outgoing.requestId);
      void this.#deliver({ ...again, requestId: uuidv7(), since: Date.now() });
    } else {
      void this.#deliver(again);
    }
  }

  /** Forgets what failed. */
  discard(requestId: string): void {
    forgetOutgoing(kept, requestId);
    this.#askBeforeLoss(requestId, false);
    const outbox = this.#store.getState().outbox.filter((one) => one.requestId !== requestId);
    this.#store.setState({ outbox });
  }

  put(outgoing: Outgoing): void {
    const others = this.#store.getState().outbox.filter(({ requestId }) => requestId !== outgoing.requestId);
    this.#store.setState({ outbox: [...others, outgoing] });
  }

  /** The moment is better now. */
  hurry(): void {
    for (const end of [...this.#impatient]) {
      end();
    }
  }

  close(): void {
    this.#closed.abort();
    this.#unkept.clear();
    window.removeEventListener("beforeunload", this.#ask);
    this.hurry();
  }

  async #deliver(outgoing: Outgoing): Promise<void> {
    this.put(outgoing);
    this.#keep(outgoing);
    try {
      const recorded = await deliver(this.#chat, outgoing, {
        waiting: (failure) => this.put({ ...outgoing, phase: "waiting", failure }),
        pause: (milliseconds) => this.#pause(milliseconds),
        signal: this.#closed.signal,
      });
      this.discard(outgoing.requestId);
      this.#sender.recorded(outgoing.what, recorded);
    } catch (error) {
      if (!this.#closed.signal.aborted) {
        this.#refused(outgoing, failureOf(error));
      }
    }
  }

  /** The text goes back where it was typed; unless something else stands there: then it waits beside it. */
  #refused(outgoing: Outgoing, failure: Failure): void {
    const { draft } = this.#store.getState();
    const { what, requestId } = outgoing;
    if (what.kind !== "send" || draft.text !== "" || draft.images.length > 0) {
      const failed: Outgoing = { ...outgoing, phase: "failed", failure };
      this.#keep(failed);
      this.put(failed);
      return;
    }
    this.discard(requestId);
    this.#sender.putBack({ text: what.text, images: what.images });
    this.#lastRefused = outgoing;
    this.#store.setState({ refused: failure });
  }

  #keep(outgoing: Outgoing): void {
    this.#askBeforeLoss(outgoing.requestId, !keepOutgoing(kept, outgoing, Date.now()));
  }

  /** The browser asks before the page is left, while that would lose something. */
  #askBeforeLoss(requestId: string, unkept: boolean): void {
    if (unkept) {
      this.#unkept.add(requestId);
      window.addEventListener("beforeunload", this.#ask);
    } else if (this.#unkept.delete(requestId) && this.#unkept.size === 0) {
      window.removeEventListener("beforeunload", this.#ask);
    }
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
}
