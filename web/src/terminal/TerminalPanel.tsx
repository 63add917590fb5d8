// The panel of terminals: tabs, the panes of the tab that is shown, and the buttons for both.
//
// It must not know the page's layout: the frame gives it its space.

import {
  ChevronDown,
  Columns2,
  List,
  Maximize2,
  Minimize2,
  Plus,
  SquareTerminal,
  Trash2,
  X,
} from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useView } from "../layout/view.ts";
import { Button, Empty, IconButton, Menu, type MenuItem } from "../ui/index.ts";
import { useRole, useWorkspace } from "../workspace/hooks.tsx";
import { usePanelCommands } from "./commands.ts";
import { NewTerminalDialog } from "./NewTerminalDialog.tsx";
import { usePanelKeys } from "./panel-keys.ts";
import { TabStrip } from "./TabStrip.tsx";
import { TerminalList } from "./TerminalList.tsx";
import styles from "./TerminalPanel.module.css";
import { type TabDeeds, useTabDeeds } from "./tab-deeds.ts";
import { useTabs } from "./tab-store.ts";
import { focused, type Tabs } from "./tabs.ts";

/** With them comes xterm: an empty panel does without. */
const Panes = lazy(async () => ({ default: (await import("./Panes.tsx")).Panes }));

export function TerminalPanel() {
  const tabs = useTabs();
  const mayWrite = useRole() !== Role.VIEWER;
  const deeds = useTabDeeds();
  const keys = usePanelKeys(deeds);
  const [asking, setAsking] = useState(false);
  const active = focused(tabs);
  const moved = useMoved(active);
  usePanelCommands(tabs, deeds, mayWrite, () => setAsking(true));
  const listed = useWorkspace((state) => state.terminals.size > 0);

  return (
    <section className={styles.panel} aria-label="Terminals" onKeyDown={keys}>
      <header className={styles.header}>
        <TabStrip tabs={tabs} deeds={deeds} />
        <Tools tabs={tabs} deeds={deeds} onAsk={() => setAsking(true)} />
      </header>
      {tabs.tabs.length > 0 ? (
        <Suspense fallback={<div className={styles.loading} />}>
          <Panes tabs={tabs} deeds={deeds} moved={moved} />
        </Suspense>
      ) : (
        <Empty
          icon={SquareTerminal}
          title="No terminal is open"
          text={
            listed
              ? "Open a running one from the list, or start a new one."
              : "A terminal is a real shell on the server."
          }
          action={
            mayWrite && (
              <Button variant="primary" icon={Plus} onClick={() => deeds.create()}>
                New terminal
              </Button>
            )
          }
        />
      )}
      <NewTerminalDialog open={asking} onOpenChange={setAsking} onCreate={deeds.start} />
    </section>
  );
}

interface ToolsProps {
  tabs: Tabs;
  deeds: TabDeeds;
  /** A new terminal, with questions first. */
  onAsk: () => void;
}

/** On a phone only what is needed all the time; the menu has the rest. */
function Tools({ tabs, deeds, onAsk }: ToolsProps) {
  const mayWrite = useRole() !== Role.VIEWER;
  const narrow = useView((view) => view.narrow);
  const active = focused(tabs);
  const items: MenuItem[] = [
    { label: "New terminal", icon: Plus, onSelect: () => void deeds.create() },
    { label: "New terminal with a command", icon: SquareTerminal, onSelect: onAsk },
    {
      label: "Split terminal",
      icon: Columns2,
      disabled: active === undefined,
      onSelect: () => void deeds.split(),
    },
  ];
  const close = active !== undefined && (() => void deeds.close(active));
  if (narrow && close) {
    items.push({
      label: mayWrite ? "Close terminal" : "Close tab",
      icon: Trash2,
      danger: mayWrite,
      onSelect: close,
    });
  }
  return (
    <div className={styles.tools} role="toolbar" aria-label="Terminal actions">
      {mayWrite && (
        <>
          <IconButton icon={Plus} label="New terminal" size="small" onClick={() => deeds.create()} />
          <Menu
            trigger={<IconButton icon={ChevronDown} label="More ways to open a terminal" size="small" />}
            items={items}
          />
        </>
      )}
      {mayWrite && active !== undefined && !narrow && (
        <IconButton icon={Columns2} label="Split terminal" size="small" onClick={() => deeds.split()} />
      )}
      {close && !narrow && (
        <IconButton
          icon={mayWrite ? Trash2 : X}
          label={mayWrite ? "Close terminal" : "Close tab"}
          size="small"
          onClick={close}
        />
      )}
      <TerminalList
        tabs={tabs}
        deeds={deeds}
        trigger={<IconButton icon={List} label="All terminals" size="small" />}
      />
      {!narrow && <PanelButtons />}
    </div>
  );
}

/** The page has shown the panel before. */
let shownBefore = false;

/** A page that loads leaves the focus where it is; who opens the panel or goes to a terminal wants to type there. */
function useMoved(active: string | undefined): boolean {
  const [first] = useState(active);
  const [moved, setMoved] = useState(shownBefore);
  if (!moved && active !== first) {
    setMoved(true);
  }
  useEffect(() => {
    shownBefore = true;
  }, []);
  return moved;
}

function PanelButtons() {
  const full = useView((view) => view.panel === "full");
  const { setPanel } = useView.getState();
  return (
    <>
      <IconButton
        icon={full ? Minimize2 : Maximize2}
        label={full ? "Restore panel size" : "Maximize panel"}
        size="small"
        onClick={() => setPanel(full ? "open" : "full")}
      />
      <IconButton icon={X} label="Hide panel" size="small" onClick={() => setPanel("closed")} />
    </>
  );
}
