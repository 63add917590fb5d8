// The wide page: conversations at the left, the chat in the middle, terminals below it, agents at the right. It must
// not know what is in them.

import { type ReactNode, useEffect, useRef } from "react";
import {
  Group,
  type Layout,
  type LayoutChangedMeta,
  Panel,
  Separator,
  usePanelRef,
} from "react-resizable-panels";
import { cx } from "../ui/index.ts";
import styles from "./Desk.module.css";
import {
  AgentsPanel,
  ChatView,
  ConversationList,
  Stand,
  TerminalPanel,
  TokensView,
  UsageView,
} from "./features.tsx";
import { regionId } from "./regions.ts";
import { useView } from "./view.ts";
import { middleOf, SIZE_LIMITS, type Sizes } from "./viewState.ts";

export function Desk() {
  const { leftPanel, rightPanel, panel, sizes } = useView();
  const full = panel === "full";
  return (
    <div className={styles.desk}>
      <Group
        id="desk-columns"
        orientation="horizontal"
        className={styles.group}
        onLayoutChanged={(layout, meta) => remember("desk-columns", layout, meta)}
      >
        {leftPanel === "open" && (
          <>
            <SidePanel name="left" size={sizes.left}>
              <aside
                id={regionId("conversations")}
                aria-label="All conversations"
                tabIndex={-1}
                className={cx(styles.side, styles.raised)}
                inert={full}
              >
                <Stand name="The list of conversations">
                  <ConversationList />
                </Stand>
              </aside>
            </SidePanel>
            <Separator className={styles.upright} title="Resize conversations" />
          </>
        )}
        <Panel id="middle" minSize={280} className={styles.panel}>
          <Middle full={full} />
        </Panel>
        {rightPanel === "open" && (
          <>
            <Separator className={styles.upright} title="Resize agents" />
            <SidePanel name="right" size={sizes.right}>
              <aside
                id={regionId("agents")}
                aria-label="Agents"
                tabIndex={-1}
                className={styles.side}
                inert={full}
              >
                <Stand name="The list of agents">
                  <AgentsPanel />
                </Stand>
              </aside>
            </SidePanel>
          </>
        )}
      </Group>
    </div>
  );
}

function Middle({ full }: { full: boolean }) {
  const panel = useView((view) => view.panel);
  const bottom = useView((view) => view.sizes.bottom);
  return (
    <Group
      id="desk-rows"
      orientation="vertical"
      className={styles.group}
      onLayoutChanged={(layout, meta) => remember("desk-rows", layout, meta)}
    >
      <Panel id="main" minSize={120} className={styles.panel}>
        <main id={regionId("main")} tabIndex={-1} className={styles.main} inert={full}>
          <MiddleView />
        </main>
      </Panel>
      {panel !== "closed" && (
        <>
          <Separator className={styles.level} title="Resize terminals" />
          <SidePanel name="bottom" size={bottom}>
            <div id={regionId("terminals")} tabIndex={-1} className={full ? styles.full : styles.terminals}>
              <Stand name="The terminals">
                <TerminalPanel />
              </Stand>
            </div>
          </SidePanel>
        </>
      )}
    </Group>
  );
}

/** What the middle shows, here and on a phone. */
export function MiddleView() {
  const place = useView((view) => view.place);
  const conversationId = useView((view) => view.conversationId);
  const middle = middleOf(place);
  return (
    <Stand name={middle === "chat" ? "The chat" : "This view"} of={`${middle} ${conversationId ?? ""}`}>
      {middle === "chat" && <ChatView conversationId={conversationId} />}
      {middle === "usage" && <UsageView />}
      {middle === "tokens" && <TokensView />}
    </Stand>
  );
}

interface SidePanelProps {
  name: keyof Sizes;
  size: number;
  children: ReactNode;
}

/** A panel that keeps its pixels when the window changes. */
function SidePanel({ name, size, children }: SidePanelProps) {
  const [min, max] = SIZE_LIMITS[name];
  const panel = usePanelRef();
  const first = useRef(size);
  useEffect(() => {
    // The group remembers that it was dragged shut, and has its layout by the next frame.
    const frame = requestAnimationFrame(() => {
      if (panel.current?.isCollapsed()) panel.current.resize(first.current);
    });
    return () => cancelAnimationFrame(frame);
  }, [panel]);
  return (
    <Panel
      id={name}
      panelRef={panel}
      className={styles.panel}
      defaultSize={size}
      minSize={min}
      maxSize={max}
      collapsible
      collapsedSize={0}
      groupResizeBehavior="preserve-pixel-size"
    >
      {children}
    </Panel>
  );
}

function close(name: keyof Sizes): void {
  const { setLeftPanel, setRightPanel, setPanel } = useView.getState();
  ({ left: setLeftPanel, right: setRightPanel, bottom: setPanel })[name]("closed");
}

/** Keeps the sizes that a person gave; those that the window forces are not theirs. A panel dragged shut is closed. */
function remember(groupId: string, layout: Layout, meta: LayoutChangedMeta): void {
  if (!meta.isUserInteraction) return;
  const group = document.getElementById(groupId);
  if (!group) return;
  const whole = groupId === "desk-rows" ? group.offsetHeight : group.offsetWidth;
  for (const name of ["left", "right", "bottom"] as const) {
    const share = layout[name];
    if (share === 0) close(name);
    else if (share !== undefined) useView.getState().setSize(name, (share / 100) * whole);
  }
}
