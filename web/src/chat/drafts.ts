// What somebody has typed and not sent, kept for each conversation.
// It must not know where it is typed; it gets the storage that it writes to.

/** The part of Storage that is used. */
export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A storage of the browser; where it is forbidden, one that forgets. */
export function shelfOf(storage: () => Shelf): Shelf {
  try {
    return storage();
  } catch {
    return { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  }
}

const PREFIX = "mosaic.draft.";
const INDEX = "mosaic.drafts";
/** Drafts that are kept, the newest ones. */
const DRAFTS_MAX = 40;
/** Letters of a draft that are kept. */
const LENGTH_MAX = 64 * 1024;

/** "" is the conversation that does not exist yet. */
export function readDraft(shelf: Shelf, conversationId: string): string {
  try {
    return shelf.getItem(PREFIX + conversationId) ?? "";
  } catch {
    return "";
  }
}

/** Keeps a draft, or forgets it when it is empty. A full or forbidden storage loses drafts, nothing else. */
export function keepDraft(shelf: Shelf, conversationId: string, text: string): void {
  try {
    const others = indexOf(shelf).filter((id) => id !== conversationId);
    if (text === "") {
      shelf.removeItem(PREFIX + conversationId);
      shelf.setItem(INDEX, JSON.stringify(others));
      return;
    }
    const kept = [conversationId, ...others];
    for (const id of kept.slice(DRAFTS_MAX)) {
      shelf.removeItem(PREFIX + id);
    }
    shelf.setItem(INDEX, JSON.stringify(kept.slice(0, DRAFTS_MAX)));
    shelf.setItem(PREFIX + conversationId, text.slice(0, LENGTH_MAX));
  } catch {
    // Private windows may refuse.
  }
}

function indexOf(shelf: Shelf): readonly string[] {
  try {
    const read: unknown = JSON.parse(shelf.getItem(INDEX) ?? "[]");
    return Array.isArray(read) ? read.filter((id): id is string => typeof id === "string") : [];
  } catch {
    return [];
  }
}
