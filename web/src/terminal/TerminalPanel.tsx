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
import { useEffect, useState } from "react";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useView } from "../layout/view.ts";
import { Button, Empty, IconButton, Menu } from "../ui/index.ts";
import { useRole, useWorkspace } from "../workspace/hooks.tsx";
import { NewTerminalDialog } from "./NewTerminalDialog.tsx";
import { Panes } from "./Panes.tsx";
import { usePanelKeys } from "./panel-keys.ts";
import { TabStrip } from "./TabStrip.tsx";
import { TerminalList } from "./TerminalList.tsx";
import styles from "./TerminalPanel.module.css";
import { useTabDeeds } from "./tab-deeds.ts";
import { useTabs } from "./tab-store.ts";
import { focused } from "./tabs.ts";

export function TerminalPanel() {
  const tabs = useTabs();
  const panel = useView((view) => view.panel);
  const mayWrite = useRole() !== Role.VIEWER;
  const deeds = useTabDeeds();
  const keys = usePanelKeys(deeds);
  const [asking, setAsking] = useState(false);
  const active = focused(tabs);
  const moved = useMoved(active);
  const listed = useWorkspace((state) => state.terminals.size > 0);

  return (
    <section className={styles.panel} aria-label="Terminals" onKeyDown={keys}>
      <header className={styles.header}>
        <TabStrip tabs={tabs} deeds={deeds} />
        <div className={styles.tools}>
          {mayWrite && (
            <IconButton icon={Plus} label="New terminal" size="small" onClick={() => deeds.create({})} />
          )}
          {mayWrite && (
            <Menu
              trigger={
                <IconButton
                  icon={ChevronDown}
                  label="More new terminals"
                  size="small"
                  className={styles.chevron}
                />
              }
              items={[
                { label: "New terminal", onSelect: () => void deeds.create({}) },
                { label: "New terminal with a command…", onSelect: () => setAsking(true) },
                {
                  label: "New terminal beside this one",
                  disabled: active === undefined,
                  onSelect: () => void deeds.split(),
                },
              ]}
            />
          )}
          {mayWrite && active !== undefined && (
            <IconButton icon={Columns2} label="Split terminal" size="small" onClick={() => deeds.split()} />
          )}
          {active !== undefined && (
            <IconButton
              icon={Trash2}
              label="Close terminal"
              size="small"
              onClick={() => deeds.close(active)}
            />
          )}
          <TerminalList
            tabs={tabs}
            deeds={deeds}
            trigger={<IconButton icon={List} label="All terminals" size="small" />}
          />
          <PanelButtons panel={panel} />
        </div>
      </header>
      {tabs.tabs.length > 0 ? (
        <Panes tabs={tabs} deeds={deeds} moved={moved} />
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
              <Button variant="primary" icon={Plus} onClick={() => deeds.create({})}>
                New terminal
              </Button>
            )
          }
        />
      )}
      <NewTerminalDialog open={asking} onOpenChange={setAsking} onCreate={deeds.create} />
    </section>
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

function PanelButtons({ panel }: { panel: "open" | "closed" | "full" }) {
  const full = panel === "full";
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
