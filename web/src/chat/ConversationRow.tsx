// One conversation in the list.
// It must not know the others.

import { Archive, ArchiveRestore, Ellipsis, Pencil, Trash2 } from "lucide-react";
import type { KeyboardEvent } from "react";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { IconButton, Menu } from "../ui/index.ts";
import { titleOf, useConversationActions } from "./actions.ts";
import styles from "./ConversationList.module.css";
import { RenameField } from "./RenameField.tsx";

interface ConversationRowProps {
  conversation: Conversation;
  current: boolean;
  tabStop: boolean;
  canWrite: boolean;
  renaming: boolean;
  onRename: (on: boolean) => void;
  onOpen: () => void;
  onFocus: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

export function ConversationRow(props: ConversationRowProps) {
  const { conversation, current, tabStop, canWrite, renaming, onRename, onOpen, onFocus, onKeyDown } = props;
  const actions = useConversationActions();
  if (renaming) {
    return (
      <div className={styles.row} data-current={current}>
        <RenameField
          title={conversation.title}
          onDone={(title) => {
            onRename(false);
            if (title !== undefined) {
              void actions.rename(conversation, title);
            }
          }}
        />
      </div>
    );
  }
  const { archived } = conversation;
  return (
    <div className={styles.row} data-current={current}>
      <button
        type="button"
        className={styles.open}
        data-row={conversation.id}
        aria-current={current ? "page" : undefined}
        tabIndex={tabStop ? 0 : -1}
        title={titleOf(conversation)}
        onClick={onOpen}
        onDoubleClick={() => canWrite && onRename(true)}
        onFocus={onFocus}
        onKeyDown={onKeyDown}
      >
        {titleOf(conversation)}
      </button>
      {canWrite && (
        <span className={styles.menu}>
          <Menu
            trigger={
              <IconButton
                label={`Menu of ${titleOf(conversation)}`}
                icon={Ellipsis}
                size="small"
                tabIndex={tabStop ? 0 : -1}
              />
            }
            items={[
              { label: "Rename", icon: Pencil, shortcut: "F2", onSelect: () => onRename(true) },
              {
                label: archived ? "Unarchive" : "Archive",
                icon: archived ? ArchiveRestore : Archive,
                onSelect: () => void actions.archive(conversation, !archived),
              },
              {
                label: "Delete…",
                icon: Trash2,
                shortcut: "Delete",
                danger: true,
                onSelect: () => void actions.remove(conversation),
              },
            ]}
          />
        </span>
      )}
    </div>
  );
}
