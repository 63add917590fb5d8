// Everything about a job in sections: how it is, its prompt, where it runs, what it may use, how it ended, what it
// depends on, its attempts and its story. It must not know how it is changed.

import type { ReactNode } from "react";
import { type Job, Job_State, type Queue } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { CopyButton } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import { Attempts } from "./Attempts.tsx";
import { Clock } from "./Clock.tsx";
import { Dependencies } from "./Dependencies.tsx";
import type { Detail } from "./detail.ts";
import { Facts } from "./Facts.tsx";
import { useQueue } from "./live.ts";
import styles from "./Overview.module.css";
import { useFeed } from "./past.ts";
import { isCommandLine, useProfiles } from "./profiles.ts";
import { ReceiptView } from "./ReceiptView.tsx";
import { isOver, waitWords } from "./rows.ts";
import { StateIcon } from "./StateIcon.tsx";
import { storyOf } from "./story.ts";
import { endWords, jobSentence, jobWords } from "./words.ts";

/** `line`: what it printed last, while it runs. */
export function Overview({ detail, line }: { detail: Detail; line: string }) {
  const { job, agent, attempts } = detail;
  const profiles = useProfiles();
  const feed = useFeed();
  const jobs = useWorkspace((state) => state.jobs);
  const queue = useQueue(false);
  if (!job) {
    return null;
  }
  const mono = isCommandLine(profiles, job.profile);
  const story = storyOf(job, attempts, feed);
  return (
    <div className={styles.overview}>
      <p className={styles.sentence} data-tone={jobWords(job.state).tone}>
        {sentenceOf(job, jobs, queue)}
      </p>
      {line && (
        <p className={styles.line}>
          <span className="visually-hidden">Printed last: </span>
          {line}
        </p>
      )}
      <Section
        title={mono ? "Command line" : "Prompt"}
        action={<CopyButton text={job.prompt} label="Copy the prompt" />}
      >
        <pre className={mono ? styles.command : styles.prompt}>{job.prompt}</pre>
      </Section>
      {agent?.receipt && (
        <Section title="Receipt">
          <ReceiptView receipt={agent.receipt} name={job.name} />
        </Section>
      )}
      <Dependencies job={job} />
      <Section title="Story">
        <ol className={styles.story}>
          {story.map((step) => (
            <li key={step.key}>
              <StateIcon icon={step.icon} tone={step.tone} size={14} />
              <span className={styles.step}>
                {step.text}
                {step.detail && <span className={styles.detail}>{step.detail}</span>}
              </span>
              <span className={styles.time}>
                <Clock at={step.time} />
              </span>
            </li>
          ))}
        </ol>
      </Section>
      {attempts.length > 1 && (
        <Section title="Attempts">
          <Attempts attempts={attempts} />
        </Section>
      )}
      <Section title="Facts">
        <Facts job={job} agent={agent} />
      </Section>
    </div>
  );
}

export function Section({
  title,
  action,
  children,
}: {
  title: string;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={styles.section}>
      <div className={styles.head}>
        <h3>{title}</h3>
        {action}
      </div>
      {children}
    </section>
  );
}

function sentenceOf(job: Job, jobs: ReadonlyMap<string, Job>, queue: Queue | undefined): string {
  if (job.state === Job_State.QUEUED) {
    return waitWords(job, { jobs, queue, lines: new Map() }) || jobSentence(job.state);
  }
  return isOver(job.state) && job.state !== Job_State.SUCCEEDED ? endWords(job) : jobSentence(job.state);
}
