// One job and its agent: the state, what it asks, what can be done, and then everything about it, its terminal and its
// log. It must not know where it is shown.

import { ArrowLeft, EllipsisVertical, OctagonX, Repeat, RotateCw, SquareTerminal, X } from "lucide-react";
import { Suspense } from "react";
import type { Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useView } from "../layout/view.ts";
import { TerminalView } from "../terminal/index.ts";
import {
  Button,
  copyOrTell,
  Empty,
  FailureNote,
  IconButton,
  Menu,
  Spinner,
  Tabs,
  toast,
} from "../ui/index.ts";
import styles from "./AgentDetail.module.css";
import { Answer } from "./Answer.tsx";
import { useDeeds, useMay } from "./deeds.ts";
import { type Detail, useDetail } from "./detail.ts";
import { openKill, openSpawn } from "./dialogs.ts";
import { Elapsed } from "./Elapsed.tsx";
import { useKeptTab } from "./kept-tab.ts";
import { LogView } from "./LogView.tsx";
import { useLines } from "./live.ts";
import { Overview } from "./Overview.tsx";
import { hasAgent, isOver, type Row, rowOf } from "./rows.ts";
import { StateLabel } from "./StateIcon.tsx";
import { formOf } from "./spawn-form.ts";

type TabName = "overview" | "terminal" | "log";

interface AgentDetailProps {
  /** An agent's or a job's. */
  id: string;
  active: boolean;
  onClose(): void;
}

export function AgentDetail({ id, active, onClose }: AgentDetailProps) {
  const detail = useDetail(id);
  const { job, agent, failure } = detail;
  const [tab, setTab] = useKeptTab<TabName>("detail", id, ["overview", "terminal", "log"]);
  const alive = job !== undefined && hasAgent(job.state);
  const lines = useLines(active && alive);
  if (!job) {
    return (
      <div className={styles.none}>
        {failure ? (
          failure.code === "not_found" ? (
            <Empty icon={OctagonX} title="It is forgotten" text="Jobs that are over are kept for a week." />
          ) : (
            <FailureNote failure={failure} />
          )
        ) : (
          <Spinner />
        )}
      </div>
    );
  }
  const row = rowOf(job, agent, { lines, jobs: new Map() });
  const terminalId = agent?.terminalId;
  return (
    <div className={styles.detail}>
      <DetailHeader detail={detail} row={row} onClose={onClose} />
      <Answer job={job} agent={agent} quiet={tab !== "terminal"} />
      <div className={styles.tabs}>
        <Tabs<TabName>
          label="About it"
          value={tab}
          onChange={setTab}
          tabs={[
            {
              value: "overview",
              label: "Overview",
              content: <Overview detail={detail} line={alive && row.lineKind === "output" ? row.line : ""} />,
            },
            {
              value: "terminal",
              label: "Terminal",
              content: terminalId ? (
                <div className={styles.terminal}>
                  <Suspense fallback={<Spinner />}>
                    <TerminalView key={terminalId} terminalId={terminalId} autoFocus />
                  </Suspense>
                </div>
              ) : (
                <NoTerminal job={job} />
              ),
            },
            {
              value: "log",
              label: "Log",
              content: terminalId ? (
                <LogView key={terminalId} terminalId={terminalId} />
              ) : (
                <NoTerminal job={job} />
              ),
            },
          ]}
        />
      </div>
    </div>
  );
}

function DetailHeader({ detail, row, onClose }: { detail: Detail; row: Row; onClose(): void }) {
  const { job, agent } = detail;
  const may = useMay();
  const deeds = useDeeds();
  if (!job) {
    return null;
  }
  const over = isOver(job.state);
  const terminalId = agent?.terminalId;
  const kill = () =>
    openKill({ name: job.name, jobId: job.id, agentId: hasAgent(job.state) ? agent?.id : undefined });
  const copy = async (text: string, what: string) => {
    if (await copyOrTell(text)) {
      toast({ title: `${what} copied` });
    }
  };
  return (
    <header className={styles.header}>
      <div className={styles.names}>
        <IconButton
          label="All agents"
          icon={ArrowLeft}
          size="small"
          className={styles.back}
          onClick={onClose}
        />
        <h2 className={styles.name}>{job.name}</h2>
        <span className={styles.profile}>{job.profile}</span>
      </div>
      <div className={styles.state} role="status">
        <StateLabel state={row.state} />
        <span className={styles.dim}>
          <Elapsed since={row.since} until={row.until} className={styles.time} unsaid />
          {job.attemptsMax > 1 && ` · attempt ${job.attempts} of ${job.attemptsMax}`}
        </span>
      </div>
      <div className={styles.actions}>
        {terminalId && (
          <Button
            size="small"
            icon={SquareTerminal}
            onClick={() => useView.getState().openTerminal(terminalId)}
          >
            Open terminal
          </Button>
        )}
        {over ? (
          <Button size="small" icon={RotateCw} disabled={!may.act} onClick={() => void deeds.retry(job)}>
            Retry
          </Button>
        ) : (
          <Button
            size="small"
            icon={hasAgent(job.state) ? OctagonX : X}
            disabled={!may.act}
            className={styles.kill}
            onClick={kill}
          >
            {hasAgent(job.state) ? "Kill" : "Cancel"}
          </Button>
        )}
        <Menu
          trigger={<IconButton label="More about it" icon={EllipsisVertical} size="small" />}
          items={[
            {
              label: "Spawn another like it",
              icon: Repeat,
              disabled: !may.act,
              onSelect: () => openSpawn(formOf(job)),
            },
            "line",
            { label: "Copy the job's id", onSelect: () => copy(job.id, "The job's id") },
            {
              label: "Copy the agent's id",
              disabled: !agent,
              onSelect: () => copy(agent?.id ?? "", "The agent's id"),
            },
            { label: "Copy the prompt", onSelect: () => copy(job.prompt, "The prompt") },
          ]}
        />
      </div>
    </header>
  );
}

function NoTerminal({ job }: { job: Job }) {
  return isOver(job.state) ? (
    <Empty icon={SquareTerminal} title="It never ran" text="So it has no terminal, and printed nothing." />
  ) : (
    <Empty
      icon={SquareTerminal}
      title="It does not run yet"
      text="It has a terminal as soon as its agent starts."
    />
  );
}
