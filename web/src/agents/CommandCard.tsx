// What a command came to, as a card in the conversation that goes on living: states, times, last lines.
//
// It must not know the conversation. A kind of result that it does not know is shown as the text that comes with it.

import { Check } from "lucide-react";
import type { CommandResult } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import styles from "./Card.module.css";
import { AgentsCard, JobsCard, StatusCard } from "./CardLists.tsx";
import { ErrorCard, HelpCard } from "./CardWords.tsx";
import { JobCard } from "./JobCard.tsx";
import { KilledCard } from "./KilledCard.tsx";
import { LogCard } from "./LogCard.tsx";
import { QueueCard } from "./QueueCard.tsx";

export interface CommandCardProps {
  result: CommandResult;
  /** Sends a command as if it had been typed. */
  onRun(text: string): void;
}

export function CommandCard({ result, onRun }: CommandCardProps) {
  const { case: kind, value } = result.result;
  switch (kind) {
    case "spawned":
      return <JobCard jobId={value.job?.id ?? ""} job={value.job} agent={value.agent} />;
    case "jobs":
      return <JobsCard jobs={value.jobs} more={value.more} />;
    case "agents":
      return <AgentsCard agents={value.agents} more={value.more} title="Agents" />;
    case "status":
      return value.job ? (
        <JobCard jobId={value.job.id} job={value.job} agent={value.agent} />
      ) : (
        <StatusCard queue={value.queue} running={value.running} more={value.more} />
      );
    case "killed":
      return <KilledCard killed={value} />;
    case "log":
      return <LogCard log={value} />;
    case "sent":
      return <JobCard agentId={value.agentId} note={<Sent name={value.name} />} />;
    case "queue":
      return <QueueCard told={value} />;
    case "help":
      return <HelpCard help={value} onRun={onRun} />;
    case "error":
      return <ErrorCard command={result.command} error={value} onRun={onRun} />;
    default:
      return <pre className={styles.plain}>{result.text}</pre>;
  }
}

function Sent({ name }: { name: string }) {
  return (
    <p className={styles.note}>
      <Check size={14} aria-hidden />
      Typed into {name}
    </p>
  );
}
