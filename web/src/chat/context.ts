// What the parts of a shown conversation need to act.
// It must not know which parts there are.

import { createContext, useContext } from "react";
import type { Session } from "./session.ts";

export interface ChatSurroundings {
  readonly session: Session;
  /** False for those who may only read. */
  readonly canWrite: boolean;
  /** The person's message that is being edited. */
  readonly editing: string | undefined;
  edit(messageId: string | undefined): void;
}

export const ChatContext = createContext<ChatSurroundings | undefined>(undefined);

export function useChat(): ChatSurroundings {
  const chat = useContext(ChatContext);
  if (!chat) {
    throw new Error("a part of a chat is shown without one");
  }
  return chat;
}
