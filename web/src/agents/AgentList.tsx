// The list of agents and waiting jobs with its filters. It must not know the details of one.

import { Bot, SearchX } from "lucide-react";
import { type KeyboardEvent, useDeferredValue, useMemo, useRef, useState } from "react";
import { useView } from "../layout/view.ts";
import { Button, Empty, Spinner } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./AgentList.module.css";
import { AgentRow, rowHeight } from "./AgentRow.tsx";
import { useMay } from "./deeds.ts";
import { openKill, openSpawn } from "./dialogs.ts";
import { Filters } from "./Filters.tsx";
import { useLines, useQueue } from "./live.ts";
import { isCommandLine, useProfiles } from "./profiles.ts";
import { countRows, FILTERS, type Filter, filterRows, type Group, type Row, rowsOf } from "./rows.ts";
import { VirtualList } from "./VirtualList.tsx";

type Item = { heading: Group; count: number } | { row: Row };

const HEADINGS: Readonly<Record<Group, string>> = { running: "Running", waiting: "Waiting", ended: "Ended" };

export function AgentList({ active, selected }: { active: boolean; selected?: string }) {
  const { ready, jobs, agents } = useWorkspace(({ ready, jobs, agents }) => ({ ready, jobs, agents }));
  const [filter, setFilter] = useState<Filter>("all");
  const [text, setText] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const words = useDeferredValue(text);
  const may = useMay();
  const queue = useQueue(active);
  const profiles = useProfiles();
  const base = useMemo(() => rowsOf(jobs, agents), [jobs, agents]);
  const lines = useLines(active && base.some((row) => row.group === "running"));
  const rows = useMemo(() => rowsOf(jobs, agents, { lines, queue }), [jobs, agents, lines, queue]);
  const counts = useMemo(() => countRows(rows), [rows]);
  const items = useMemo(() => grouped(filterRows(rows, filter, words)), [rows, filter, words]);
  const shown =
    selected === undefined
      ? undefined
      : rows.find((row) => row.id === selected || row.agent?.id === selected)?.id;

  const onKey = (event: KeyboardEvent, item: Item) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.current?.focus();
    } else if (event.key === "Delete" && "row" in item && may.act && item.row.group !== "ended") {
      event.preventDefault();
      openKill(targetOf(item.row));
    }
  };

  if (rows.length === 0) {
    return ready ? (
      <Empty
        icon={Bot}
        title="No agents yet"
        text="An agent is a program that runs as a job, in a terminal that you can watch."
        action={may.act && <Button onClick={() => openSpawn()}>Spawn an agent</Button>}
      />
    ) : (
      <div className={styles.wait}>
        <Spinner />
      </div>
    );
  }
  return (
    <div className={styles.whole}>
      <Filters<Filter>
        label="Filter agents"
        text={text}
        onText={setText}
        choices={FILTERS.map(({ id, word }) => ({ id, word, count: counts[id] }))}
        value={filter}
        onChange={setFilter}
        inputRef={search}
      />
      <div className={styles.rows}>
        {items.length === 0 ? (
          <Empty icon={SearchX} title="None matches" text="No agent or job is like this." />
        ) : (
          <VirtualList<Item>
            label="Agents and waiting jobs"
            items={items}
            keyOf={(item) => ("row" in item ? item.row.id : item.heading)}
            heightOf={(item) => ("row" in item ? rowHeight(item.row) : 28)}
            isStop={(item) => "row" in item}
            shownKey={shown}
            onKey={onKey}
          >
            {(item, tabIndex) =>
              "row" in item ? (
                <AgentRow
                  row={item.row}
                  selected={item.row.id === shown}
                  mono={isCommandLine(profiles, item.row.profile)}
                  tabIndex={tabIndex}
                  onOpen={() => useView.getState().openAgent(item.row.agent?.id ?? item.row.id)}
                />
              ) : (
                <h3 className={styles.heading}>
                  {HEADINGS[item.heading]} <span>{item.count}</span>
                </h3>
              )
            }
          </VirtualList>
        )}
      </div>
    </div>
  );
}

export function targetOf(row: Row) {
  return { name: row.name, jobId: row.id, agentId: row.group === "running" ? row.agent?.id : undefined };
}

function grouped(rows: readonly Row[]): Item[] {
  const items: Item[] = [];
  for (const group of ["running", "waiting", "ended"] as const) {
    const of = rows.filter((row) => row.group === group);
    if (of.length > 0) {
      items.push({ heading: group, count: of.length }, ...of.map((row) => ({ row })));
    }
  }
  return items;
}
