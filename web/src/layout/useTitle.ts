// The title of the browser's tab: where a person is. Only words of the page and titles of conversations stand in it.

import { useEffect } from "react";
import { useWorkspace } from "../workspace/hooks.tsx";
import { useView } from "./view.ts";

const TITLES = {
  conversations: "Conversations",
  terminals: "Terminals",
  agents: "Agents",
  more: "More",
  usage: "Usage",
  tokens: "Tokens",
} as const;

export function useTitle(): void {
  const place = useView((view) => view.place);
  const conversationId = useView((view) => view.conversationId);
  const conversation = useWorkspace((state) =>
    conversationId === undefined ? undefined : state.conversations.get(conversationId)?.title,
  );
  const title = place === "chat" ? conversation : TITLES[place];
  useEffect(() => {
    document.title = title ? `${title.slice(0, 80)} · Mosaic` : "Mosaic";
    return () => {
      document.title = "Mosaic";
    };
  }, [title]);
}
