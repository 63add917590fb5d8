// What a page knows of one conversation.
// It must not know how it came to know it.

import type { Failure } from "../api/failure.ts";
import type { Conversation, Parameters } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Answer } from "./answer.ts";
import type { Picture } from "./images.ts";
import type { Outgoing } from "./outgoing.ts";
import { emptyTree, type Tree } from "./tree.ts";

/** How the answers of a conversation are made. */
export interface Settings {
  readonly model: string;
  readonly system: string;
  readonly parameters?: Parameters;
}

export interface Draft {
  readonly text: string;
  readonly images: readonly Picture[];
}

export interface SessionState {
  readonly conversation?: Conversation;
  readonly tree: Tree;
  /** The end of the branch that is shown; "": no message yet. */
  readonly head: string;
  /** The shown branch has been read for the first time. */
  readonly loaded: boolean;
  readonly problem?: Failure;
  /** It was deleted, or never was. */
  readonly gone: boolean;
  /** Where the next older page of the shown branch begins; "": there is none. */
  readonly olderToken: string;
  readonly loadingOlder: boolean;
  readonly answers: ReadonlyMap<string, Answer>;
  readonly outbox: readonly Outgoing[];
  readonly draft: Draft;
  /** Why the text in the composer was not sent. */
  readonly refused?: Failure;
  /** Answers that somebody here is stopping. */
  readonly stopping: ReadonlySet<string>;
  /** Of a conversation that does not exist yet. */
  readonly settings: Settings;
}

export const emptyDraft: Draft = { text: "", images: [] };

export function initialState(isNew: boolean, text: string): SessionState {
  return {
    tree: emptyTree,
    head: "",
    loaded: isNew,
    gone: false,
    olderToken: "",
    loadingOlder: false,
    answers: new Map(),
    outbox: [],
    draft: { text, images: [] },
    stopping: new Set(),
    settings: { model: "", system: "" },
  };
}
