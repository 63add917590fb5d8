// One job in a conversation: its state, time and last line, its terminal, what it asks, and its end. It must not know
// which command told of it.

import { OctagonX, PanelRight, RotateCw, SquareTerminal, X } from "lucide-react";
import type { ReactNode } from "react";
import { type Agent, type Job, Job_State } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useView } from "../layout/view.ts";
import { Button, cx, Spinner } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import { Answer } from "./Answer.tsx";
import styles from "./Card.module.css";
import { CardBox } from "./CardBox.tsx";
import { useDeeds, useMay } from "./deeds.ts";
import { openKill } from "./dialogs.ts";
import { Elapsed } from "./Elapsed.tsx";
import { useInSight } from "./in-sight.ts";
import { useKnownJob } from "./known.ts";
import { useLastLine } from "./last-line.ts";
import { useLines, useOnScreen } from "./live.ts";
import { isCommandLine, useProfiles } from "./profiles.ts";
import { hasAgent, isOver, type Row, rowOf } from "./rows.ts";
import { StateIcon, StateWord } from "./StateIcon.tsx";
import { exitWords } from "./words.ts";

interface JobCardProps {
  /** Absent: that of the agent. */
  jobId?: string;
  agentId?: string;
  /** As they were when the command was done. */
  job?: Job;
  agent?: Agent;
  /** What the command did. */
  note?: ReactNode;
}

export function JobCard({ jobId, agentId, job: told, agent: toldAgent, note }: JobCardProps) {
  const ofAgent = useWorkspace((state) => state.agents.get(agentId ?? "")?.jobId);
  const id = jobId ?? ofAgent ?? "";
  const { job, agent, forgotten } = useKnownJob(id, told, toldAgent, agentId);
  const [ref, onScreen, card] = useOnScreen();
  useInSight(id, card);
  const lines = useLines(onScreen && job !== undefined && hasAgent(job.state));
  const ended = job !== undefined && isOver(job.state) && !forgotten;
  const last = useLastLine(ended ? agent?.terminalId : undefined, onScreen);
  const jobs = useWorkspace((state) => state.jobs);
  const profiles = useProfiles();
  if (!job) {
    return (
      <div ref={ref} className={styles.card}>
        {note}
        <div className={styles.body}>{forgotten ? "The job is no longer kept." : <Spinner />}</div>
      </div>
    );
  }
  const row = rowOf(job, agent, { lines, jobs });
  return (
    <CardBox ref={ref} label={`Job ${job.name}`}>
      {note}
      <div className={styles.body}>
        <CardLine row={row} />
        <span
          className={cx(styles.prompt, isCommandLine(profiles, job.profile) && styles.mono)}
          title={row.prompt}
        >
          {row.prompt}
        </span>
        {row.lineKind !== "none" && row.lineKind !== "question" && row.lineKind !== "output" && (
          <span className={styles.message}>{row.line}</span>
        )}
        {job.state === Job_State.SUCCEEDED && <span className={styles.message}>{exitOf(job, agent)}</span>}
        {(row.lineKind === "output" || last) && (
          <span className={styles.output}>{row.lineKind === "output" ? row.line : last}</span>
        )}
        {forgotten && <span className={styles.message}>It is no longer kept: this is how it was.</span>}
        <Answer job={job} agent={agent} compact />
      </div>
      {!forgotten && <CardDeeds job={job} agent={agent} />}
    </CardBox>
  );
}

/** What a job that succeeded came to; of the others the reason says it. */
function exitOf(job: Job, agent: Agent | undefined): string {
  const exit = job.exit ?? agent?.exit;
  return exit ? `It ${exitWords(exit)}.` : "";
}

/** Icon, name, state and time. */
export function CardLine({ row }: { row: Row }) {
  return (
    <span className={styles.first}>
      <StateIcon icon={row.state.icon} tone={row.state.tone} size={15} />
      <span className={styles.name}>{row.name}</span>
      <span className={styles.dim}>{row.profile}</span>
      {row.attemptsMax > 1 && (
        <span className={styles.dim}>
          {row.attempt}/{row.attemptsMax}
        </span>
      )}
      <span className={styles.state}>
        <StateWord state={row.state} />
        {row.since > 0 && row.job?.state !== Job_State.UNSPECIFIED && (
          <Elapsed since={row.since} until={row.until} className={styles.time} unsaid />
        )}
      </span>
    </span>
  );
}

function CardDeeds({ job, agent }: { job: Job; agent?: Agent }) {
  const may = useMay();
  const deeds = useDeeds();
  const alive = hasAgent(job.state);
  const view = useView.getState();
  return (
    <div className={styles.deeds}>
      {agent?.terminalId && (
        <Button size="small" icon={SquareTerminal} onClick={() => view.openTerminal(agent.terminalId)}>
          Open terminal
        </Button>
      )}
      <Button
        size="small"
        variant="ghost"
        icon={PanelRight}
        onClick={() => view.openAgent(job.agentId || job.id)}
      >
        Details
      </Button>
      <span className={styles.room} />
      {isOver(job.state) ? (
        <Button
          size="small"
          variant="ghost"
          icon={RotateCw}
          disabled={!may.act}
          onClick={() => void deeds.retry(job)}
        >
          Retry
        </Button>
      ) : (
        <Button
          size="small"
          variant="ghost"
          icon={alive ? OctagonX : X}
          className={styles.kill}
          disabled={!may.act}
          onClick={() =>
            openKill({ name: job.name, jobId: job.id, agentId: alive ? job.agentId || undefined : undefined })
          }
        >
          {alive ? "Kill" : "Cancel"}
        </Button>
      )}
    </div>
  );
}
