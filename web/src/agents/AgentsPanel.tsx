// The agents' part of the page: how the queue is, then agents, jobs or what happened; one of them with its details.
//
// It must not know where in the page it stands, nor how wide it is.

import { type KeyboardEvent, useEffect, useRef } from "react";
import { useView } from "../layout/view.ts";
import { Tabs } from "../ui/index.ts";
import { AgentDetail } from "./AgentDetail.tsx";
import { AgentList } from "./AgentList.tsx";
import styles from "./AgentsPanel.module.css";
import { FeedTab } from "./FeedTab.tsx";
import { JobsTab } from "./JobsTab.tsx";
import { useKeptTab } from "./kept-tab.ts";
import { useOnScreen } from "./live.ts";
import { QueueBar } from "./QueueBar.tsx";

type TabName = "agents" | "jobs" | "events";

export function AgentsPanel() {
  const [ref, onScreen] = useOnScreen();
  const [tab, setTab] = useKeptTab<TabName>("panel", "", ["agents", "jobs", "events"]);
  const selected = useView((view) => view.agentId);
  const list = useRef<HTMLDivElement>(null);
  const detail = useRef<HTMLElement>(null);
  useEffect(() => {
    // Whoever opened it from the list, which may be hidden now, goes on in the details.
    if (selected !== undefined && list.current?.contains(document.activeElement)) {
      detail.current?.focus({ preventScroll: true });
    }
  }, [selected]);
  const close = () => {
    useView.setState({ agentId: undefined });
    // The list was hidden where there is room for one only; its current item takes the focus back.
    requestAnimationFrame(() =>
      list.current?.querySelector<HTMLElement>('[data-stop][tabindex="0"]')?.focus(),
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // In a terminal, Escape is the program's.
    const typed = event.target instanceof Element && event.target.closest(".xterm") !== null;
    if (event.key === "Escape" && !event.defaultPrevented && !typed) {
      close();
    }
  };
  return (
    <section
      ref={ref}
      className={styles.panel}
      aria-label="Agents and jobs"
      data-detail={selected !== undefined}
    >
      <div ref={list} className={styles.list}>
        <QueueBar active={onScreen} />
        <div className={styles.tabs}>
          <Tabs<TabName>
            label="Agents"
            value={tab}
            onChange={setTab}
            tabs={[
              {
                value: "agents",
                label: "Agents",
                content: <AgentList active={onScreen} selected={selected} />,
              },
              { value: "jobs", label: "Jobs", content: <JobsTab active={onScreen} selected={selected} /> },
              { value: "events", label: "Events", content: <FeedTab /> },
            ]}
          />
        </div>
      </div>
      {selected !== undefined && (
        <section
          ref={detail}
          className={styles.detail}
          aria-label="Details"
          tabIndex={-1}
          onKeyDown={onKeyDown}
        >
          <AgentDetail key={selected} id={selected} active={onScreen} onClose={close} />
        </section>
      )}
    </section>
  );
}
