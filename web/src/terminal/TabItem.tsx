// One tab: names, marks for what happens in it, renaming, its menu. It must not know the order of the others.

import { Bell, Bot, Columns2, Eye, SquareTerminal, X } from "lucide-react";
import { useRef, useState } from "react";
import type { MenuItem } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import { ContextMenu } from "./ContextMenu.tsx";
import { usePeek, usePool } from "./hooks.ts";
import { isRenaming, RenameField } from "./RenameField.tsx";
import styles from "./TabStrip.module.css";
import type { TabDeeds } from "./tab-deeds.ts";
import { move, show, type Tab, unsplit } from "./tabs.ts";
import { ViewersDialog } from "./ViewersDialog.tsx";
import { ending, plainTitle } from "./words.ts";

export interface Drag {
  state: "dragged" | "before" | "after" | undefined;
  start(): void;
  enter(): void;
  end(): void;
  cancel(): void;
}

interface TabItemProps {
  tab: Tab;
  index: number;
  shown: boolean;
  count: number;
  deeds: TabDeeds;
  drag: Drag;
}

export function TabItem({ tab, index, shown, count, deeds, drag }: TabItemProps) {
  const pool = usePool();
  const terminalId = tab.panes[tab.focus] ?? "";
  const marks = useMarks(terminalId);
  const [renaming, setRenaming] = useState<"mouse" | "keyboard">();
  const face = useRef<HTMLButtonElement>(null);
  const [viewers, setViewers] = useState(false);
  const more = tab.panes.length - 1;

  const menu = (): (MenuItem | "line")[] => [
    { label: "Rename", shortcut: "F2", onSelect: () => setRenaming("mouse") },
    { label: "Viewers", onSelect: () => setViewers(true) },
    {
      label: "Into a tab of its own",
      disabled: more === 0,
      onSelect: () => deeds.step((tabs) => unsplit(tabs, terminalId)),
    },
    "line",
    {
      label: "Move left",
      disabled: index === 0,
      onSelect: () => deeds.step((tabs) => move(tabs, index, index - 1)),
    },
    {
      label: "Move right",
      disabled: index === count - 1,
      onSelect: () => deeds.step((tabs) => move(tabs, index, index + 1)),
    },
    "line",
    { label: "Close the tab, let it run", disabled: marks.ended, onSelect: () => deeds.hide(terminalId) },
    {
      label: "Close terminal",
      shortcut: "Delete",
      danger: true,
      onSelect: () => void deeds.close(terminalId),
    },
  ];
  const click = (event: React.MouseEvent<HTMLElement>) => {
    deeds.step((tabs) => show(tabs, index));
    // With the mouse one goes on to type there; with the keyboard one stays among the tabs.
    if (event.detail === 1) {
      requestAnimationFrame(() => {
        // Unless a second click began to rename it.
        if (!isRenaming()) {
          pool.peek(terminalId)?.focus();
        }
      });
    }
  };
  const keys = (event: React.KeyboardEvent) => {
    if (event.key === "F2") {
      event.preventDefault();
      setRenaming("keyboard");
    } else if (event.key === "Delete") {
      event.preventDefault();
      void deeds.close(terminalId);
    }
  };

  return (
    <ContextMenu
      items={menu}
      label={`Terminal ${marks.name}`}
      render={
        // biome-ignore lint/a11y/noStaticElementInteractions: the tab inside has the keyboard's way to all of it.
        <div
          className={styles.tab}
          role="presentation"
          data-tab={index}
          data-shown={shown || undefined}
          data-drag={drag.state}
          draggable={renaming === undefined}
          onDragStart={(event) => {
            event.dataTransfer.effectAllowed = "move";
            event.dataTransfer.setData("text/plain", marks.name);
            drag.start();
          }}
          onDragOver={(event) => {
            event.preventDefault();
            drag.enter();
          }}
          onDrop={(event) => {
            event.preventDefault();
            drag.end();
          }}
          onDragEnd={drag.cancel}
          onAuxClick={(event) => event.button === 1 && void deeds.close(terminalId)}
        />
      }
    >
      <button
        ref={face}
        type="button"
        role="tab"
        className={styles.face}
        aria-selected={shown}
        tabIndex={shown ? 0 : -1}
        title={marks.title === "" ? marks.name : `${marks.name} – ${marks.title}`}
        onClick={click}
        onDoubleClick={() => setRenaming("mouse")}
        onKeyDown={keys}
      >
        <Face terminalId={terminalId} shown={shown} more={more} />
      </button>
      {renaming !== undefined && face.current?.parentElement && (
        <RenameField
          name={marks.name}
          tab={face.current.parentElement}
          onDone={async (name) => {
            if (name === undefined || (await deeds.rename(terminalId, name))) {
              setRenaming(undefined);
              if (renaming === "mouse") {
                pool.peek(terminalId)?.focus();
              } else {
                face.current?.focus();
              }
            }
          }}
        />
      )}
      <button
        type="button"
        className={styles.close}
        tabIndex={-1}
        aria-hidden="true"
        title="Close terminal (Delete)"
        onClick={() => void deeds.close(terminalId)}
      >
        <X size={14} />
      </button>
      {viewers && (
        <ViewersDialog terminalId={terminalId} name={marks.name} onClose={() => setViewers(false)} />
      )}
    </ContextMenu>
  );
}

function useMarks(terminalId: string) {
  const terminal = useWorkspace((state) => state.terminals.get(terminalId));
  const toldName = usePeek(terminalId, (state) => state.terminal?.name ?? "");
  const toldTitle = usePeek(terminalId, (state) => state.terminal?.title ?? "");
  const bell = usePeek(terminalId, (state) => state.unseenBell) ?? false;
  const output = usePeek(terminalId, (state) => state.unseenOutput) ?? false;
  const end = terminal && ending(terminal);
  return {
    name: terminal?.name || toldName || "terminal",
    title: plainTitle(toldTitle || terminal?.title || ""),
    viewers: usePeek(terminalId, (state) => state.viewers) ?? 0,
    ended: end !== undefined,
    end,
    bell,
    output,
  };
}

function Face({ terminalId, shown, more }: { terminalId: string; shown: boolean; more: number }) {
  const marks = useMarks(terminalId);
  const isAgents = useWorkspace((state) =>
    [...state.agents.values()].some((agent) => agent.terminalId === terminalId),
  );
  const Icon = isAgents ? Bot : SquareTerminal;
  return (
    <>
      <Icon size={14} className={styles.icon} aria-hidden="true" />
      <span className={styles.name}>{marks.name}</span>
      {marks.title !== "" && <span className={styles.title}>{marks.title}</span>}
      {more > 0 && (
        <span className={styles.chip}>
          <Columns2 size={11} aria-hidden="true" /> {more + 1}
          <span className={styles.hidden}> panes</span>
        </span>
      )}
      {marks.viewers > 1 && (
        <span className={styles.chip}>
          <Eye size={11} aria-hidden="true" /> {marks.viewers}
          <span className={styles.hidden}> viewers</span>
        </span>
      )}
      {marks.end !== undefined && marks.end.mark !== "" && (
        <span className={styles.chip} data-tone={marks.end.tone}>
          <span className={styles.hidden}>ended: </span>
          {marks.end.mark}
        </span>
      )}
      {marks.bell && !shown && (
        <span className={styles.bell}>
          <Bell size={12} aria-hidden="true" />
          <span className={styles.hidden}>, bell rang</span>
        </span>
      )}
      {marks.output && !marks.bell && !shown && (
        <span className={styles.activity}>
          <span className={styles.hidden}>, new output</span>
        </span>
      )}
    </>
  );
}
