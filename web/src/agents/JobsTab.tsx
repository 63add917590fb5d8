// All jobs as trees of what depends on what, with what can be done to each. It must not know the details of one.

import { ListTree, OctagonX, RotateCw, SearchX, X } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import type { Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useView } from "../layout/view.ts";
import { cx, Empty, IconButton } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import list from "./AgentList.module.css";
import { useDeeds, useMay } from "./deeds.ts";
import { openKill } from "./dialogs.ts";
import { Elapsed } from "./Elapsed.tsx";
import { Filters } from "./Filters.tsx";
import styles from "./JobsTab.module.css";
import { useQueue } from "./live.ts";
import { hasAgent, hasFailed, isOver, waitWords } from "./rows.ts";
import { StateIcon, StateWord } from "./StateIcon.tsx";
import { msOf } from "./time.ts";
import { type TreeItem, treeOf } from "./tree.ts";
import { VirtualList } from "./VirtualList.tsx";
import { endWords, firstLine, jobWords } from "./words.ts";

type JobFilter = "all" | "open" | "failed" | "over";

const PASSES: Readonly<Record<JobFilter, (job: Job) => boolean>> = {
  all: () => true,
  open: (job) => !isOver(job.state),
  failed: (job) => hasFailed(job.state),
  over: (job) => isOver(job.state),
};

const WORDS: Readonly<Record<JobFilter, string>> = {
  all: "All",
  open: "Not over",
  failed: "Failed",
  over: "Over",
};

export function JobsTab({ active, selected }: { active: boolean; selected?: string }) {
  const jobs = useWorkspace((state) => state.jobs);
  const [filter, setFilter] = useState<JobFilter>("all");
  const [text, setText] = useState("");
  const words = useDeferredValue(text);
  const queue = useQueue(active);
  const items = useMemo(() => shownOf(jobs, filter, words), [jobs, filter, words]);
  const choices = (Object.keys(WORDS) as JobFilter[]).map((id) => ({
    id,
    word: WORDS[id],
    count: [...jobs.values()].filter(PASSES[id]).length,
  }));
  if (jobs.size === 0) {
    return (
      <Empty
        icon={ListTree}
        title="No jobs yet"
        text="Jobs wait here for room, or for the jobs that they depend on."
      />
    );
  }
  return (
    <div className={list.whole}>
      <Filters<JobFilter>
        label="Filter jobs"
        text={text}
        onText={setText}
        choices={choices}
        value={filter}
        onChange={setFilter}
      />
      <div className={list.rows}>
        {items.length === 0 ? (
          <Empty icon={SearchX} title="None matches" text="No job is like this." />
        ) : (
          <VirtualList<TreeItem>
            label="Jobs"
            items={items}
            keyOf={(item) => item.job.id}
            heightOf={() => 46}
            shownKey={jobs.has(selected ?? "") ? selected : undefined}
          >
            {(item, tabIndex) => (
              <JobRow
                item={item}
                tabIndex={tabIndex}
                selected={
                  selected !== undefined && (item.job.id === selected || item.job.agentId === selected)
                }
                wait={waitWords(item.job, { jobs, queue, lines: new Map() })}
              />
            )}
          </VirtualList>
        )}
      </div>
    </div>
  );
}

function shownOf(jobs: ReadonlyMap<string, Job>, filter: JobFilter, text: string): TreeItem[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (filter === "all" && words.length === 0) {
    return treeOf(jobs);
  }
  const matching = [...jobs.values()].filter((job) => {
    const hay = `${job.name}\n${job.prompt}\n${job.profile}\n${jobWords(job.state).word}`.toLowerCase();
    return PASSES[filter](job) && words.every((word) => hay.includes(word));
  });
  return treeOf(new Map(matching.map((job) => [job.id, job])));
}

interface JobRowProps {
  item: TreeItem;
  tabIndex: 0 | -1;
  selected: boolean;
  wait: string;
}

function JobRow({ item, tabIndex, selected, wait }: JobRowProps) {
  const { job, depth, alsoAfter } = item;
  const state = jobWords(job.state);
  const over = isOver(job.state);
  const waits = !over && !hasAgent(job.state);
  const failed = hasFailed(job.state);
  const second = waits && wait ? wait : failed ? endWords(job) : firstLine(job.prompt);
  const also =
    alsoAfter.length > 0 && !waits ? ` · also after ${alsoAfter.map((other) => other.name).join(", ")}` : "";
  return (
    <div className={cx(styles.row, selected && styles.selected)} style={{ paddingLeft: 12 + depth * 16 }}>
      {depth > 0 && <span className={styles.elbow} style={{ left: 12 + depth * 16 - 11 }} aria-hidden />}
      <button
        type="button"
        data-stop
        tabIndex={tabIndex}
        className={styles.open}
        aria-current={selected || undefined}
        onClick={() => useView.getState().openAgent(job.agentId || job.id)}
      >
        <span className={styles.first}>
          <StateIcon icon={state.icon} tone={state.tone} size={14} />
          <span className={styles.name}>{job.name}</span>
          <span className={styles.state}>
            <StateWord state={state} />
            <Elapsed
              className={styles.time}
              unsaid
              since={msOf(job.startTime ?? job.createTime) ?? 0}
              until={over ? (msOf(job.endTime) ?? 0) : undefined}
            />
          </span>
        </span>
        <span className={cx(styles.second, failed && styles.failed)}>
          {second}
          {also}
        </span>
      </button>
      <JobDeed job={job} />
    </div>
  );
}

function JobDeed({ job }: { job: Job }) {
  const may = useMay();
  const deeds = useDeeds();
  if (!may.act) {
    return null;
  }
  return (
    <span className={styles.deed}>
      {isOver(job.state) ? (
        <IconButton
          label={`Retry ${job.name}`}
          icon={RotateCw}
          size="small"
          tooltipSide="left"
          onClick={() => void deeds.retry(job)}
        />
      ) : (
        <IconButton
          label={hasAgent(job.state) ? `Kill ${job.name}` : `Cancel ${job.name}`}
          icon={hasAgent(job.state) ? OctagonX : X}
          size="small"
          tooltipSide="left"
          onClick={() =>
            openKill({
              name: job.name,
              jobId: job.id,
              agentId: hasAgent(job.state) ? job.agentId : undefined,
            })
          }
        />
      )}
    </span>
  );
}
