// The tree of a conversation's messages: which branch is shown, and which stand beside a message.
// It must not know how messages come, nor how they look.

import { type Message, Message_State } from "../api/gen/mosaic/chat/v1/chat_pb.ts";

export interface Tree {
  readonly messages: ReadonlyMap<string, Message>;
  /** The messages that follow one, oldest first; under "" those that begin the conversation. */
  readonly children: ReadonlyMap<string, readonly string[]>;
}

export const emptyTree: Tree = { messages: new Map(), children: new Map() };

/** Where a message stands among those with the same parent: `ids[index]` is itself. */
export interface Siblings {
  readonly ids: readonly string[];
  readonly index: number;
}

/** Adds messages, or replaces older knowledge of them. What is finished stays finished. */
export function withMessages(tree: Tree, news: Iterable<Message>): Tree {
  const messages = new Map(tree.messages);
  const children = new Map(tree.children);
  let changed = false;
  for (const message of news) {
    const known = messages.get(message.id);
    if (known && !isNewer(message, known)) {
      continue;
    }
    changed = true;
    messages.set(message.id, known ? withImagesOf(message, known) : message);
    if (!known) {
      // UUIDv7: the order of ids is the order of time.
      children.set(message.parentId, inserted(children.get(message.parentId) ?? [], message.id));
    }
  }
  return changed ? { messages, children } : tree;
}

/** The branch that ends at a message, oldest first; it begins where a parent is not known (yet). */
export function shownBranch(tree: Tree, headId: string): readonly Message[] {
  const branch: Message[] = [];
  let at = tree.messages.get(headId);
  while (at && branch.length <= tree.messages.size) {
    branch.push(at);
    at = tree.messages.get(at.parentId);
  }
  return branch.reverse();
}

/** True if the beginning of the branch is known. */
export function reachesBeginning(branch: readonly Message[]): boolean {
  return branch[0]?.parentId === "";
}

export function siblingsOf(tree: Tree, id: string): Siblings {
  const message = tree.messages.get(id);
  const ids = (message && tree.children.get(message.parentId)) ?? [];
  return { ids, index: ids.indexOf(id) };
}

/** The end of the newest branch through a message. */
export function newestLeaf(tree: Tree, id: string): string {
  let at = id;
  for (let steps = 0; steps <= tree.messages.size; steps += 1) {
    const next = tree.children.get(at)?.at(-1);
    if (next === undefined) {
      return at;
    }
    at = next;
  }
  return at;
}

/** Answers that are being generated, newest first, at most so many. */
export function streamingOf(tree: Tree, most: number): readonly Message[] {
  const found: Message[] = [];
  for (const message of tree.messages.values()) {
    if (message.state === Message_State.STREAMING) {
      found.push(message);
    }
  }
  found.sort((a, b) => (a.id < b.id ? 1 : -1));
  return found.slice(0, most);
}

export function isOver(message: Message): boolean {
  return message.state !== Message_State.STREAMING;
}

function isNewer(message: Message, known: Message): boolean {
  return isOver(message) || (!isOver(known) && message.lastSequence >= known.lastSequence);
}

/** Lists leave out the data of images: what is here of them stays. */
function withImagesOf(message: Message, known: Message): Message {
  const here = known.images.some((image) => image.data.length > 0);
  const there = message.images.some((image) => image.data.length > 0);
  return here && !there ? { ...message, images: known.images } : message;
}

function inserted(ids: readonly string[], id: string): readonly string[] {
  const at = ids.findIndex((other) => other > id);
  return at < 0 ? [...ids, id] : [...ids.slice(0, at), id, ...ids.slice(at)];
}
