// The head of a conversation: its title, and what can be done with all of it.
// It must not know its messages.

import { Archive, ArchiveRestore, Ellipsis, Pencil, SlidersHorizontal, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { IconButton, Menu } from "../ui/index.ts";
import { titleOf, useConversationActions } from "./actions.ts";
import styles from "./ChatView.module.css";
import { RenameField } from "./RenameField.tsx";

interface ChatHeaderProps {
  conversation: Conversation | undefined;
  canWrite: boolean;
  onSettings: () => void;
}

export function ChatHeader({ conversation, canWrite, onSettings }: ChatHeaderProps) {
  const [renaming, setRenaming] = useState(false);
  const actions = useConversationActions();
  if (!conversation) {
    return null;
  }
  const { archived } = conversation;
  return (
    <div className={styles.header}>
      {renaming ? (
        <RenameField
          title={conversation.title}
          onDone={(title) => {
            setRenaming(false);
            if (title !== undefined) {
              void actions.rename(conversation, title);
            }
          }}
        />
      ) : (
        <h2 title={titleOf(conversation)} onDoubleClick={() => canWrite && setRenaming(true)}>
          {titleOf(conversation)}
        </h2>
      )}
      {archived && <span className={styles.archived}>Archived</span>}
      {canWrite && (
        <Menu
          trigger={<IconButton label="Conversation menu" icon={Ellipsis} size="small" />}
          items={[
            { label: "Rename", icon: Pencil, onSelect: () => setRenaming(true) },
            { label: "Settings…", icon: SlidersHorizontal, onSelect: onSettings },
            {
              label: archived ? "Unarchive" : "Archive",
              icon: archived ? ArchiveRestore : Archive,
              onSelect: () => void actions.archive(conversation, !archived),
            },
            {
              label: "Delete…",
              icon: Trash2,
              danger: true,
              onSelect: () => void actions.remove(conversation),
            },
          ]}
        />
      )}
    </div>
  );
}
