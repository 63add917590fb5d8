// The panes of the tab that is shown, side by side. It must not know what a terminal shows.

import { Fragment } from "react";
import { Group, Panel, Separator, useDefaultLayout } from "react-resizable-panels";
import styles from "./Panes.module.css";
import { TerminalView } from "./TerminalView.tsx";
import type { TabDeeds } from "./tab-deeds.ts";
import { focusPane, type Tab, type Tabs } from "./tabs.ts";

export function Panes({ tabs, deeds, moved }: { tabs: Tabs; deeds: TabDeeds; moved: boolean }) {
  const tab = tabs.tabs[tabs.active];
  return tab && <Split key={tab.panes[0]} tab={tab} index={tabs.active} deeds={deeds} moved={moved} />;
}

interface SplitProps {
  tab: Tab;
  index: number;
  deeds: TabDeeds;
  /** Somebody went there, and wants to type there. */
  moved: boolean;
}

function Split({ tab, index, deeds, moved }: SplitProps) {
  const layout = useDefaultLayout({
    id: `mosaic-split-${tab.panes[0]}`,
    panelIds: [...tab.panes],
    storage: sessionStorage,
  });
  return (
    <Group
      className={styles.group}
      orientation={globalThis.innerWidth < 600 ? "vertical" : "horizontal"}
      defaultLayout={layout.defaultLayout}
      onLayoutChanged={layout.onLayoutChanged}
    >
      {tab.panes.map((terminalId, pane) => (
        <Fragment key={terminalId}>
          {pane > 0 && <Separator className={styles.separator} aria-label="Resize panes" />}
          <Panel id={terminalId} minSize="10%" className={styles.pane}>
            <div className={styles.inner} data-focus={tab.panes.length > 1 && pane === tab.focus}>
              <TerminalView
                terminalId={terminalId}
                autoFocus={moved && pane === tab.focus}
                onFocus={() => pane !== tab.focus && deeds.step((tabs) => focusPane(tabs, index, pane))}
                onRestarted={(by) => deeds.restarted(terminalId, by)}
                onClose={() => void deeds.close(terminalId)}
              />
            </div>
          </Panel>
        </Fragment>
      ))}
    </Group>
  );
}
