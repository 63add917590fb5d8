// What happened in the workspace, newest first: who did what to which thing. It must not know how things are shown.

import { Activity } from "lucide-react";
import { useMemo, useState } from "react";
import type { Event } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useView } from "../layout/view.ts";
import { Empty, Select } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import list from "./AgentList.module.css";
import { Clock } from "./Clock.tsx";
import { type EventWords, eventWords, type FeedFilter, filterFeed } from "./events.ts";
import styles from "./FeedTab.module.css";
import { useFeed } from "./past.ts";
import { StateIcon } from "./StateIcon.tsx";
import { msOf } from "./time.ts";
import { VirtualList } from "./VirtualList.tsx";

const OPTIONS: readonly { value: FeedFilter; label: string }[] = [
  { value: "all", label: "Everything" },
  { value: "agents", label: "Agents and jobs" },
  { value: "terminals", label: "Terminals" },
  { value: "chat", label: "Chat" },
];

interface Told {
  event: Event;
  words: EventWords;
}

export function FeedTab() {
  const feed = useFeed();
  const agents = useWorkspace((state) => state.agents);
  const ofAgents = useMemo(() => new Set([...agents.values()].map((agent) => agent.terminalId)), [agents]);
  const [filter, setFilter] = useState<FeedFilter>("all");
  const told = useMemo(
    () =>
      filterFeed(feed, filter, ofAgents).flatMap((event): Told[] => {
        const words = eventWords(event);
        return words ? [{ event, words }] : [];
      }),
    [feed, filter, ofAgents],
  );
  return (
    <div className={list.whole}>
      <div className={styles.filter}>
        <Select<FeedFilter>
          label="Show"
          hideLabel
          size="small"
          value={filter}
          options={OPTIONS}
          onChange={setFilter}
        />
      </div>
      <div className={list.rows}>
        {told.length === 0 ? (
          <Empty
            icon={Activity}
            title="Nothing has happened yet"
            text="What happens from now on is told here."
          />
        ) : (
          <VirtualList<Told>
            label="Events"
            items={told}
            keyOf={({ event }) => String(event.sequence)}
            heightOf={({ words }) => (words.detail ? 52 : 32)}
            isStop={({ words }) => canOpen(words)}
          >
            {(item, tabIndex) => <FeedRow told={item} tabIndex={tabIndex} />}
          </VirtualList>
        )}
      </div>
    </div>
  );
}

function canOpen({ subject }: EventWords): boolean {
  return !subject.gone && subject.id !== "";
}

function open({ subject }: EventWords): void {
  const view = useView.getState();
  switch (subject.kind) {
    case "terminal":
      view.openTerminal(subject.id);
      break;
    case "conversation":
      view.openConversation(subject.id);
      break;
    default:
      view.openAgent(subject.id);
  }
}

function FeedRow({ told, tabIndex }: { told: Told; tabIndex: 0 | -1 }) {
  const { event, words } = told;
  const time = msOf(event.time);
  return (
    <div className={styles.row}>
      <span className={styles.icon}>
        <StateIcon icon={words.icon} tone={words.tone} size={14} />
      </span>
      <span className={styles.words}>
        {words.before}
        {canOpen(words) ? (
          <button
            type="button"
            data-stop
            tabIndex={tabIndex}
            className={styles.link}
            onClick={() => open(words)}
          >
            {words.subject.name}
          </button>
        ) : (
          <strong>{words.subject.name}</strong>
        )}
        {words.after}
        {words.detail && <span className={styles.detail}>{words.detail}</span>}
      </span>
      <span className={styles.time}>{time !== undefined && <Clock at={time} />}</span>
    </div>
  );
}
