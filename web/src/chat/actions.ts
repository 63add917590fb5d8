// What can be done with a conversation from outside of it: rename, put away, delete, change how it is answered.
// It must not know where these are offered.

import { useMemo } from "react";
import { failureOf } from "../api/failure.ts";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { useView } from "../layout/view.ts";
import { toast, useConfirm } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import { byteLength } from "./offsets.ts";
import type { Settings } from "./state.ts";

export const TITLE_BYTES_MAX = 256;

export interface ConversationActions {
  rename(conversation: Conversation, title: string): Promise<void>;
  archive(conversation: Conversation, archived: boolean): Promise<void>;
  /** Asks first. True if it was deleted. */
  remove(conversation: Conversation): Promise<boolean>;
  change(conversationId: string, settings: Partial<Settings>): Promise<void>;
}

export function useConversationActions(): ConversationActions {
  const { chat } = useClients();
  const confirm = useConfirm();
  const openConversation = useView((view) => view.openConversation);
  return useMemo(() => {
    const tried = async (what: string, call: () => Promise<unknown>): Promise<boolean> => {
      try {
        await call();
        return true;
      } catch (error) {
        toast({ title: what, text: failureOf(error).message, tone: "bad" });
        return false;
      }
    };
    return {
      async rename(conversation, title) {
        const wanted = cleanTitle(title);
        if (wanted !== "" && wanted !== conversation.title) {
          const request = { conversationId: conversation.id, title: wanted };
          await tried("Not renamed", () => chat.updateConversation(request));
        }
      },
      async archive(conversation, archived) {
        const request = { conversationId: conversation.id, archived };
        const done = await tried("Not changed", () => chat.updateConversation(request));
        if (done && archived) {
          const undo = () => void chat.updateConversation({ ...request, archived: false });
          toast({ title: "Archived", text: conversation.title, action: { label: "Undo", onSelect: undo } });
        }
      },
      async remove(conversation) {
        const sure = await confirm({
          title: "Delete this conversation?",
          text: `“${titleOf(conversation)}” and all its messages go for good, for everybody in this workspace.`,
          confirm: "Delete",
          danger: true,
        });
        if (!sure) {
          return false;
        }
        const { id } = conversation;
        const done = await tried("Not deleted", () => chat.deleteConversation({ conversationId: id }));
        if (done && useView.getState().conversationId === id) {
          openConversation(undefined);
        }
        return done;
      },
      async change(conversationId, settings) {
        const done = await tried("The settings were not kept", () =>
          chat.updateConversation({ conversationId, ...settings }),
        );
        if (!done) {
          throw new Error("not kept");
        }
      },
    };
  }, [chat, confirm, openConversation]);
}

export function titleOf({ title }: { title: string }): string {
  return title || "New conversation";
}

/** As the server takes it: one line, 256 bytes. */
function cleanTitle(title: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a title must not have
  let clean = title.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  while (byteLength(clean) > TITLE_BYTES_MAX) {
    clean = [...clean].slice(0, -1).join("");
  }
  return clean;
}
