// The place for the card of a command's result: whoever puts the page together says which component draws it.
// It must not know what is on a card.

import { type ComponentType, createContext } from "react";
import type { CommandResult } from "../api/gen/mosaic/chat/v1/chat_pb.ts";

export interface CommandCardProps {
  result: CommandResult;
  /** Sends a command into the conversation, such as a suggestion. */
  onRun: (text: string) => void;
}

/** Without one, a result is shown as its text. It may be lazy. */
export const CommandCardContext = createContext<ComponentType<CommandCardProps> | undefined>(undefined);
