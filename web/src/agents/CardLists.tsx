// Jobs, agents, and how everything is, as lists in a conversation whose lines go on living. It must not know one job's
// details.

import { PanelRight } from "lucide-react";
import type { ReactNode } from "react";
import type { Agent, Job, Queue } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useView } from "../layout/view.ts";
import { Button, cx } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./Card.module.css";
import { CardBox } from "./CardBox.tsx";
import { CardLine } from "./JobCard.tsx";
import { useKnownJob } from "./known.ts";
import { useLines, useOnScreen } from "./live.ts";
import { QueueCounts } from "./QueueCard.tsx";
import { hasAgent, isAgentOver, type Lines, rowOf, rowOfAgent } from "./rows.ts";

/** The server sends at most so many. */
const SHOWN_MAX = 100;

export function JobsCard({ jobs, more }: { jobs: readonly Job[]; more: boolean }) {
  const [ref, onScreen] = useOnScreen();
  const now = useWorkspace((state) => state.jobs);
  const lines = useLines(onScreen && jobs.some((job) => hasAgent((now.get(job.id) ?? job).state)));
  return (
    <CardBox ref={ref} label="Jobs">
      <List title="Jobs" none="There are no jobs." more={more}>
        {jobs.slice(0, SHOWN_MAX).map((job) => (
          <JobLine key={job.id} told={job} lines={lines} />
        ))}
      </List>
    </CardBox>
  );
}

function JobLine({ told, lines }: { told: Job; lines: Lines }) {
  const jobs = useWorkspace((state) => state.jobs);
  const { job = told, agent } = useKnownJob(told.id, told);
  const row = rowOf(job, agent, { lines, jobs });
  return (
    <Line onOpen={() => useView.getState().openAgent(job.agentId || job.id)} row={row}>
      {row.lineKind === "none" ? row.prompt : row.line}
    </Line>
  );
}

interface AgentsCardProps {
  agents: readonly Agent[];
  more: boolean;
  title: string;
}

export function AgentsCard({ agents, more, title }: AgentsCardProps) {
  const [ref, onScreen] = useOnScreen();
  return (
    <CardBox ref={ref} label={title}>
      <AgentLines agents={agents} more={more} title={title} onScreen={onScreen} none="There are no agents." />
    </CardBox>
  );
}

interface StatusCardProps {
  queue?: Queue;
  running: readonly Agent[];
  more: boolean;
}

export function StatusCard({ queue, running, more }: StatusCardProps) {
  const [ref, onScreen] = useOnScreen();
  return (
    <CardBox ref={ref} label="Status">
      <QueueCounts told={queue} active={onScreen} />
      {running.length > 0 && (
        <AgentLines agents={running} more={more} title="Running when asked" onScreen={onScreen} none="" />
      )}
    </CardBox>
  );
}

function AgentLines({
  agents,
  more,
  title,
  onScreen,
  none,
}: AgentsCardProps & { onScreen: boolean; none: string }) {
  const now = useWorkspace((state) => state.agents);
  const lines = useLines(
    onScreen && agents.some((agent) => !isAgentOver((now.get(agent.id) ?? agent).state)),
  );
  return (
    <List title={title} none={none} more={more}>
      {agents.slice(0, SHOWN_MAX).map((told) => (
        <AgentLine key={told.id} told={told} lines={lines} />
      ))}
    </List>
  );
}

/** An agent is one attempt: its own state counts, whatever became of the job since. */
function AgentLine({ told, lines }: { told: Agent; lines: Lines }) {
  const known = useWorkspace((state) => state.agents.get(told.id));
  const { agent: asked } = useKnownJob(known ? "" : told.jobId, undefined, told);
  const agent = known ?? (asked?.id === told.id ? asked : told);
  const row = rowOfAgent(agent, lines);
  return (
    <Line onOpen={() => useView.getState().openAgent(agent.id)} row={row}>
      {row.line}
    </Line>
  );
}

interface LineProps {
  row: Parameters<typeof CardLine>[0]["row"];
  onOpen(): void;
  children: ReactNode;
}

function Line({ row, onOpen, children }: LineProps) {
  return (
    <li>
      <button type="button" className={styles.row} onClick={onOpen}>
        <CardLine row={row} />
        {children && (
          <span className={cx(styles.prompt, styles.second, row.lineKind === "output" && styles.mono)}>
            {children}
          </span>
        )}
      </button>
    </li>
  );
}

interface ListProps {
  title: string;
  none: string;
  more: boolean;
  children: readonly ReactNode[];
}

function List({ title, none, more, children }: ListProps) {
  return (
    <>
      <h3 className={styles.title}>
        {title} {children.length > 0 && <span className={styles.dim}>{children.length}</span>}
      </h3>
      {children.length === 0 ? (
        <p className={styles.body}>{none}</p>
      ) : (
        <ul className={styles.rows}>{children}</ul>
      )}
      {more && (
        <div className={styles.foot}>
          <Button
            size="small"
            variant="ghost"
            icon={PanelRight}
            onClick={() => useView.getState().openAgent(undefined)}
          >
            All of them
          </Button>
        </div>
      )}
    </>
  );
}
