// What a job waits for and what waits for it, as a small tree around it, each with its state. It must not know other jobs'
// details.

import type { Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useView } from "../layout/view.ts";
import { cx } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./Dependencies.module.css";
import { Section } from "./Overview.tsx";
import { StateIcon, StateWord } from "./StateIcon.tsx";
import { downstream, type Relative, upstream } from "./tree.ts";
import { jobWords } from "./words.ts";

export function Dependencies({ job }: { job: Job }) {
  const jobs = useWorkspace((state) => state.jobs);
  const before = upstream(job, jobs);
  const after = downstream(job, jobs);
  if (before.length === 0 && after.length === 0) {
    return null;
  }
  // Far ancestors stand at the left, the job itself in the middle, what waits for it further right.
  const deepest = Math.max(0, ...before.map((one) => one.distance));
  return (
    <Section title="Dependencies">
      <ul className={styles.tree} aria-label="Dependencies">
        {before.map((one) => (
          <Line
            key={one.id}
            relative={one}
            depth={deepest - one.distance}
            blames={one.id === job.failedDependencyId}
          />
        ))}
        <Line relative={{ id: job.id, job, distance: 0 }} depth={deepest} self />
        {after.map((one) => (
          <Line key={one.id} relative={one} depth={deepest + one.distance} />
        ))}
      </ul>
    </Section>
  );
}

interface LineProps {
  relative: Relative;
  depth: number;
  self?: boolean;
  /** It is why the job failed. */
  blames?: boolean;
}

function Line({ relative, depth, self, blames }: LineProps) {
  const { job } = relative;
  const state = job && jobWords(job.state);
  const words = (
    <>
      {state ? (
        <StateIcon icon={state.icon} tone={state.tone} size={14} />
      ) : (
        <StateIcon icon="other" tone="neutral" size={14} />
      )}
      <span className={styles.name}>{job?.name ?? "A job that is forgotten"}</span>
      <span className={styles.state}>
        {self && <span className={styles.dim}>this job</span>}
        {blames && <span className={styles.dim}>the reason</span>}
        {state && <StateWord state={state} />}
      </span>
    </>
  );
  return (
    <li className={styles.line}>
      {Array.from({ length: depth }, (_, level) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a level is nothing but its number
        <span key={level} className={styles.level} aria-hidden />
      ))}
      {self || !job ? (
        <span className={cx(styles.job, self && styles.self)}>{words}</span>
      ) : (
        <button
          type="button"
          className={styles.job}
          onClick={() => useView.getState().openAgent(job.agentId || job.id)}
        >
          {words}
        </button>
      )}
    </li>
  );
}
