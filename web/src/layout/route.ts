// What the part after the # in the address means, and back. It must not know the browser or the store.

/**
 * Where a person is. On a wide page "terminals" and "agents" are beside the chat, on a narrow one they are views of
 * their own, as are "conversations" and "more".
 */
export type Place = "chat" | "conversations" | "terminals" | "agents" | "more" | "usage" | "tokens";

export interface Route {
  place: Place;
  /** With "chat" only; absent: a new conversation. */
  conversationId?: string;
}

const PLACES: readonly Place[] = ["conversations", "terminals", "agents", "more", "usage", "tokens"];
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

/** Undefined for what is no address of the page. */
export function parseHash(hash: string): Route | undefined {
  const path = hash.replace(/^#/, "");
  if (path === "c") return { place: "chat" };
  const conversationId = path.startsWith("c/") ? path.slice(2) : undefined;
  if (isId(conversationId)) return { place: "chat", conversationId };
  const place = PLACES.find((each) => each === path);
  return place && { place };
}

export function formatHash({ place, conversationId }: Route): string {
  if (place !== "chat") return `#${place}`;
  return conversationId === undefined ? "#c" : `#c/${conversationId}`;
}
