// Which texts are commands, and the second slash that makes one an ordinary message.
// It must not know the commands.

import type { Message } from "../api/gen/mosaic/chat/v1/chat_pb.ts";

export function isCommand(text: string): boolean {
  return /^\/(?!\/)/.test(text);
}

/** What the server keeps of what was typed. */
export function recordedText(typed: string): string {
  return typed.startsWith("//") ? typed.slice(1) : typed;
}

/** What is to be typed to say a message again: what was no command must not become one. */
export function typedText({ content, command }: Pick<Message, "content" | "command">): string {
  return !command && content.startsWith("/") ? `/${content}` : content;
}
