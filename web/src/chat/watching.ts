// Reads the answers that are being generated, and tells of them once for each frame that is drawn.
// It must not know which conversation they belong to.

import type { Failure } from "../api/failure.ts";
import type { Message, MessageEvent } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Hub, Unsubscribe } from "../hub/hub.ts";
import { type Answer, applyEvents, emptyAnswer } from "./answer.ts";

export interface Watcher {
  /** These answers have changed. */
  changed(answers: ReadonlyMap<string, Answer>): void;
  /** It is finished; without a message, where the reader has not been told what became of it. */
  finished(messageId: string, message: Message | undefined, answer: Answer): void;
  failed(messageId: string, why: Failure): void;
}

interface Followed {
  answer: Answer;
  waiting: MessageEvent[];
  /** When the model was first seen thinking; undefined: it was not, or it was before we came. */
  thinkingSince?: number;
  leave: Unsubscribe;
}

/** More than that are taken at once, drawn or not. */
const WAITING_MAX = 2000;
/** A page that is not shown draws no frames. */
const HIDDEN_MS = 250;
/** The first step of a reader who came late holds more than this. */
const LATE_EVENTS = 20;

export class Watching {
  /** Milliseconds that an answer's thinking took, where this page has seen it. */
  readonly thought = new Map<string, number>();
  readonly #hub: Pick<Hub, "message">;
  readonly #watcher: Watcher;
  readonly #followed = new Map<string, Followed>();
  #cancel: (() => void) | undefined;

  constructor(hub: Pick<Hub, "message">, watcher: Watcher) {
    this.#hub = hub;
    this.#watcher = watcher;
  }

  /** Follows these answers and no others. */
  follow(ids: ReadonlySet<string>): void {
    for (const [id, followed] of this.#followed) {
      if (!ids.has(id)) {
        this.#followed.delete(id);
        followed.leave();
      }
    }
    for (const id of ids) {
      if (!this.#followed.has(id)) {
        this.#begin(id);
      }
    }
  }

  follows(id: string): boolean {
    return this.#followed.has(id);
  }

  close(): void {
    this.follow(new Set());
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #begin(id: string): void {
    const followed: Followed = { answer: emptyAnswer, waiting: [], leave: () => undefined };
    this.#followed.set(id, followed);
    // From the beginning: the steps hold more than the message, and the server keeps them at hand.
    followed.leave = this.#hub.message(id, 0n, {
      event: (event) => this.#take(followed, event),
      finished: () => this.#end(id, followed),
      failed: (why) => {
        if (this.#followed.get(id) === followed) {
          this.#flush();
          this.#watcher.failed(id, why);
        }
      },
    });
    if (this.#followed.get(id) !== followed) {
      followed.leave();
    }
  }

  #take(followed: Followed, event: MessageEvent): void {
    followed.waiting.push(event);
    if (followed.waiting.length >= WAITING_MAX) {
      this.#flush();
    } else {
      this.#cancel ??= soon(() => this.#flush());
    }
  }

  #end(id: string, followed: Followed): void {
    if (this.#followed.get(id) !== followed) {
      return;
    }
    this.#flush();
    this.#followed.delete(id);
    followed.leave();
    this.#watcher.finished(id, followed.answer.completed, followed.answer);
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const changed = new Map<string, Answer>();
    for (const [id, followed] of this.#followed) {
      if (followed.waiting.length > 0) {
        this.#apply(id, followed);
        changed.set(id, followed.answer);
      }
    }
    if (changed.size > 0) {
      this.#watcher.changed(changed);
    }
  }

  #apply(id: string, followed: Followed): void {
    const { answer, waiting } = followed;
    const late = answer.sequence === 0n && waiting.length > LATE_EVENTS;
    followed.waiting = [];
    followed.answer = applyEvents(answer, waiting);
    const { thinking, text } = followed.answer;
    if (thinking !== "" && answer.thinking === "" && text === "" && !late) {
      followed.thinkingSince = performance.now();
    }
    if (followed.thinkingSince !== undefined && text !== "" && answer.text === "") {
      this.thought.set(id, performance.now() - followed.thinkingSince);
    }
  }
}

/** At the next frame, or soon where no frames are drawn. */
function soon(run: () => void): () => void {
  if (typeof requestAnimationFrame === "function" && !document.hidden) {
    // A tab may be hidden before its frame comes.
    const timer = setTimeout(run, HIDDEN_MS);
    const frame = requestAnimationFrame(run);
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }
  const timer = setTimeout(run, HIDDEN_MS);
  return () => clearTimeout(timer);
}
