// What is known of a job and its newest agent, as names and values: where it runs, what it may use, how it ended.
//
// It must not know how any of it came to be.

import type { ReactNode } from "react";
import type { Agent, Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import type { Limit } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { whoWords } from "../layout/people.ts";
import { CopyButton, Time, wholeCount } from "../ui/index.ts";
import styles from "./Facts.module.css";
import { durationMs, durationWords } from "./time.ts";
import { bytesWords, exitWords, keeperWords } from "./words.ts";

export function Facts({ job, agent }: { job: Job; agent?: Agent }) {
  const exit = job.exit ?? agent?.exit;
  const labels = Object.entries(job.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <dl className={styles.facts}>
      <Fact name="Exit">{exit && exitWords(exit)}</Fact>
      <Fact name="Processor time">{exit?.cpuTime && durationWords(durationMs(exit.cpuTime) ?? 0)}</Fact>
      <Fact name="Peak memory">
        {exit?.peakMemoryBytes !== undefined && bytesWords(exit.peakMemoryBytes)}
      </Fact>
      <Fact name="Directory" path={job.cwd} />
      <Fact name="Repository" path={job.repository} />
      <Fact name="Begins at" path={job.base} />
      <Fact name="Worktree" path={agent?.worktree} />
      <Fact name="Branch" path={agent?.branch} />
      <Fact name="Saved work" path={agent?.savedRef} hint="What was not committed; git show has it" />
      <Fact name="Worktree kept">{agent?.worktreeKept}</Fact>
      <Tokens job={job} agent={agent} />
      <LimitFact name="Memory" limit={agent?.limits?.memoryBytes} show={bytesWords} />
      <LimitFact name="Processes" limit={agent?.limits?.processes} show={String} />
      <LimitFact
        name="Processor"
        limit={agent?.limits?.cpuMillis}
        show={(millis) => `${Number(millis) / 1000} cores`}
      />
      <Fact name="Time limit">{spanOf(job.timeout)}</Fact>
      <Fact name="Silence limit">{spanOf(job.outputTimeout)}</Fact>
      <Fact name="Waiting limit">{spanOf(job.queuedTimeout)}</Fact>
      <Fact name="Priority">{job.priority > 0 && `${job.priority} of 10`}</Fact>
      <Fact name="When lost">{job.rerunWhenLost && "runs again, perhaps twice at once"}</Fact>
      <Fact name="Labels">
        {labels.length > 0 && (
          <span className={styles.labels}>
            {labels.map(([name, value]) => (
              <span key={name} className={styles.label}>
                {name}
                {value && `=${value}`}
              </span>
            ))}
          </span>
        )}
      </Fact>
      <Fact name="Spawned">
        {job.createTime && (
          <>
            by {whoWords(job.creator) || "somebody"}, <Time at={job.createTime} relative />
          </>
        )}
      </Fact>
      <Fact name="Process">{agent !== undefined && agent.pid > 0 && String(agent.pid)}</Fact>
      <Fact name="Job id" path={job.id} />
      <Fact name="Agent id" path={agent?.id} />
    </dl>
  );
}

interface FactProps {
  name: string;
  /** Something to copy: a path, a branch, an id. */
  path?: string;
  hint?: string;
  children?: ReactNode;
}

/** Nothing where there is nothing to say. */
function Fact({ name, path, hint, children }: FactProps) {
  if (!children && !path) {
    return null;
  }
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd>
        {path ? (
          <span className={styles.path}>
            <code title={path}>{path}</code>
            <CopyButton text={path} label={`Copy: ${name}`} />
          </span>
        ) : (
          children
        )}
        {hint && <span className={styles.hint}>{hint}</span>}
      </dd>
    </div>
  );
}

function LimitFact({ name, limit, show }: { name: string; limit?: Limit; show(max: bigint): string }) {
  if (!limit) {
    return null;
  }
  const keeper = keeperWords(limit, name === "Processes" ? "processes" : "other");
  return (
    <Fact name={name}>
      at most {show(limit.max)}
      <span className={keeper.kept ? styles.hint : styles.warning}>{keeper.text}</span>
    </Fact>
  );
}

function Tokens({ job, agent }: { job: Job; agent?: Agent }) {
  const used = job.tokensUsed > 0n ? job.tokensUsed : (agent?.tokensUsed ?? 0n);
  if (used === 0n && job.tokenBudget === 0n) {
    return null;
  }
  const of = job.tokenBudget > 0n ? ` of ${wholeCount(job.tokenBudget)}` : "";
  const share = job.tokenBudget > 0n ? Math.min(1, Number(used) / Number(job.tokenBudget)) : undefined;
  return (
    <Fact name="Tokens">
      {wholeCount(used)}
      {of}
      {share !== undefined && (
        <span className={styles.meter} aria-hidden>
          <span style={{ transform: `scaleX(${share})` }} />
        </span>
      )}
    </Fact>
  );
}

function spanOf(duration: Job["timeout"]): string | undefined {
  const ms = durationMs(duration);
  return ms === undefined ? undefined : durationWords(ms);
}
