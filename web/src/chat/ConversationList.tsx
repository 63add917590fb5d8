// The conversations, newest first under their days: searched, opened, renamed, put away, deleted.
// It must not know what is in them.

import { useVirtualizer } from "@tanstack/react-virtual";
import { Archive, MessageSquare, Plus, Search as SearchIcon, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useView } from "../layout/view.ts";
import { Button, Empty, FailureNote, IconButton, Spinner } from "../ui/index.ts";
import { useRole, useWorkspace } from "../workspace/hooks.tsx";
import { useConversationActions } from "./actions.ts";
import styles from "./ConversationList.module.css";
import { ConversationRow } from "./ConversationRow.tsx";
import { byChange, type Row, rowsOf } from "./groups.ts";
import { useSearch } from "./search.ts";

const ROW_PX = 32;
const DAY_PX = 30;
const MINUTE_MS = 60_000;

export function ConversationList() {
  const [query, setQuery] = useState("");
  const [archived, setArchived] = useState(false);
  const openConversation = useView((view) => view.openConversation);
  const canWrite = useRole() >= Role.MEMBER;
  const asked = query.trim() !== "" || archived;
  const search = useSearch(asked ? query.trim() : undefined, archived);
  const live = useLive();
  const { moreConversations, loadMoreConversations } = useWorkspace((state) => ({
    moreConversations: state.moreConversations,
    loadMoreConversations: state.loadMoreConversations,
  }));
  const shown = asked ? [...search.found].sort(byChange) : live;
  return (
    <div className={styles.list}>
      <div className={styles.head}>
        <div className={styles.search}>
          <SearchIcon size={14} aria-hidden="true" />
          <input
            type="search"
            aria-label={archived ? "Search archived conversations" : "Search conversations"}
            placeholder={archived ? "Search the archive" : "Search"}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape" && query !== "") {
                event.stopPropagation();
                setQuery("");
              }
            }}
          />
          {query !== "" && (
            <IconButton label="Clear the search" icon={X} size="small" onClick={() => setQuery("")} />
          )}
        </div>
        {canWrite && (
          <IconButton label="New conversation" icon={Plus} onClick={() => openConversation(undefined)} />
        )}
      </div>
      {search.failure && asked && <FailureNote failure={search.failure} retry={search.again} />}
      <Rows
        conversations={shown}
        canWrite={canWrite}
        more={asked ? search.more : moreConversations}
        onMore={asked ? search.loadMore : () => loadMoreConversations().catch(() => undefined)}
        empty={
          <Nothing
            busy={search.busy && asked}
            failed={asked && search.failure !== undefined}
            query={query}
            archived={archived}
          />
        }
      />
      <Button
        variant="ghost"
        size="small"
        icon={archived ? MessageSquare : Archive}
        aria-pressed={archived}
        onClick={() => setArchived(!archived)}
      >
        {archived ? "Back to the conversations" : "Archived"}
      </Button>
    </div>
  );
}

function useLive(): readonly Conversation[] {
  const conversations = useWorkspace((state) => state.conversations);
  return useMemo(() => {
    const shown = [...conversations.values()].filter(({ archived }) => !archived);
    return shown.sort(byChange);
  }, [conversations]);
}

interface NothingProps {
  busy: boolean;
  failed: boolean;
  query: string;
  archived: boolean;
}

function Nothing({ busy, failed, query, archived }: NothingProps) {
  const ready = useWorkspace((state) => state.ready);
  if (failed) {
    return null;
  }
  if (busy || !ready) {
    return (
      <div className={styles.nothing}>
        <Spinner />
      </div>
    );
  }
  if (query.trim() !== "") {
    return <p className={styles.nothing}>Nothing found. Words, “a phrase” and -not are understood.</p>;
  }
  return archived ? (
    <p className={styles.nothing}>Nothing is archived.</p>
  ) : (
    <Empty icon={MessageSquare} title="No conversations yet" text="What you say first begins one." />
  );
}

interface RowsProps {
  conversations: readonly Conversation[];
  canWrite: boolean;
  more: boolean;
  onMore: () => void;
  empty: React.ReactNode;
}

function Rows({ conversations, canWrite, more, onMore, empty }: RowsProps) {
  const now = useMinute();
  const rows = useMemo(() => rowsOf(conversations, now), [conversations, now]);
  const box = useRef<HTMLDivElement>(null);
  const current = useView((view) => view.conversationId);
  const openConversation = useView((view) => view.openConversation);
  const actions = useConversationActions();
  const [renaming, setRenaming] = useState<string>();
  const [focused, setFocused] = useState<string>();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => (rows[index]?.kind === "day" ? DAY_PX : rowHeight()),
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && lastSeen >= rows.length - 5) {
      onMore();
    }
  }, [more, lastSeen, rows.length, onMore]);

  const tabStop = focused ?? current ?? conversations[0]?.id;
  const focusRow = (index: number) => {
    const row = rows[index];
    if (row?.kind === "conversation") {
      setFocused(row.key);
      virtual.scrollToIndex(index);
      requestAnimationFrame(() =>
        box.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(row.key)}"]`)?.focus(),
      );
    }
  };
  const onKeyDown = (event: KeyboardEvent, conversation: Conversation) => {
    const at = rows.findIndex(({ key }) => key === conversation.id);
    const target = targetOf(event.key, rows, at);
    if (target !== undefined) {
      focusRow(target);
    } else if (event.key === "F2" && canWrite) {
      setRenaming(conversation.id);
    } else if (event.key === "Delete" && canWrite) {
      void actions.remove(conversation);
    } else {
      return;
    }
    event.preventDefault();
  };
  return (
    <div ref={box} className={styles.rows}>
      {rows.length === 0 && empty}
      <ul aria-label="Conversations" style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, start, size, key }) => {
          const row = rows[index];
          if (!row) {
            return null;
          }
          return (
            <li key={key} style={{ height: size, transform: `translateY(${start}px)` }}>
              {row.kind === "day" ? (
                <h2 className={styles.day}>{row.label}</h2>
              ) : (
                <ConversationRow
                  conversation={row.conversation}
                  current={row.key === current}
                  tabStop={row.key === tabStop}
                  canWrite={canWrite}
                  renaming={row.key === renaming}
                  onRename={(on) => setRenaming(on ? row.key : undefined)}
                  onOpen={() => openConversation(row.key)}
                  onFocus={() => setFocused(row.key)}
                  onKeyDown={(event) => onKeyDown(event, row.conversation)}
                />
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** The row that a key goes to, past the headings. */
function targetOf(key: string, rows: readonly Row[], at: number): number | undefined {
  const is = (row: Row) => row.kind === "conversation";
  switch (key) {
    case "ArrowDown": {
      const next = rows.findIndex((row, index) => index > at && is(row));
      return next < 0 ? at : next;
    }
    case "ArrowUp": {
      const before = rows.findLastIndex((row, index) => index < at && is(row));
      return before < 0 ? at : before;
    }
    case "Home":
      return rows.findIndex(is);
    case "End":
      return rows.findLastIndex(is);
    default:
      return undefined;
  }
}

function rowHeight(): number {
  return matchMedia("(pointer: coarse)").matches ? 44 : ROW_PX;
}

/** The time, for the names of days. */
function useMinute(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
