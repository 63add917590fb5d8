// The story of a job, step by step: from the events that the page has seen, filled up with what the job and its agents
// say of themselves where the events no longer reach back. It must not know how it is drawn.

import { type Agent, type Job, Job_State } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import {
  AgentChanged_Kind,
  type Event,
  type JobChanged,
  JobChanged_Kind,
} from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { whoWords } from "../layout/people.ts";
import { isAgentOver, isOver } from "./rows.ts";
import { msOf } from "./time.ts";
import { agentWords, endWords, exitWords, type IconName, jobWords, type Tone } from "./words.ts";

export interface Step {
  key: string;
  time: number;
  icon: IconName;
  tone: Tone;
  text: string;
  detail: string;
}

const STEPS_MAX = 120;

export function storyOf(job: Job, agents: readonly Agent[], feed: readonly Event[]): Step[] {
  const steps = [...factsOf(job, agents), ...stepsOf(job, feed)];
  steps.sort((a, b) => a.time - b.time || order(a) - order(b));
  const seen = new Set<string>();
  const story = steps.filter((step) => !seen.has(step.key) && seen.add(step.key));
  return story.slice(-STEPS_MAX);
}

/** Where two have the same time, what was made comes before what ended. */
function order(step: Step): number {
  return step.key === "created" ? 0 : step.key.startsWith("end") ? 2 : 1;
}

/** What the records say; their keys are those of the events that would say the same. */
function factsOf(job: Job, agents: readonly Agent[]): Step[] {
  const facts: Step[] = [];
  const put = (
    key: string,
    time: number | undefined,
    icon: IconName,
    tone: Tone,
    text: string,
    detail = "",
  ) => {
    if (time !== undefined) {
      facts.push({ key, time, icon, tone, text, detail });
    }
  };
  put(
    "created",
    msOf(job.createTime),
    "waiting",
    "neutral",
    `Spawned by ${whoWords(job.creator) || "somebody"}`,
  );
  for (const agent of agents) {
    const attempt = job.attemptsMax > 1 || agents.length > 1 ? `Attempt ${agent.attempt}` : "The program";
    put(
      `start-${agent.id}`,
      msOf(agent.startTime),
      "running",
      "accent",
      `${attempt} began to run`,
      agent.pid ? `Process ${agent.pid}` : "",
    );
    if (isAgentOver(agent.state)) {
      const words = agentWords(agent.state, agent.exit);
      const how = agent.exit ? exitWords(agent.exit) : words.word.toLowerCase();
      const who = agent.receipt
        ? `Ended by ${whoWords(agent.receipt.principal)}${agent.receipt.reason ? `: ${agent.receipt.reason}` : ""}`
        : "";
      put(`end-${agent.id}`, msOf(agent.endTime), words.icon, words.tone, `${attempt} ${how}`, who);
    }
  }
  if (isOver(job.state)) {
    const words = jobWords(job.state);
    put(
      "ended",
      msOf(job.endTime),
      words.icon,
      words.tone,
      words.word,
      job.state === Job_State.SUCCEEDED ? "" : endWords(job),
    );
  }
  return facts;
}

/** What only events tell: questions, retries, and whose wish an end was. */
function stepsOf(job: Job, feed: readonly Event[]): Step[] {
  const steps: Step[] = [];
  for (const event of feed) {
    const time = msOf(event.time) ?? 0;
    const who = whoWords(event.principal?.name ?? "") || "system";
    const key = `event-${event.sequence}`;
    if (event.payload.case === "job" && event.payload.value.job?.id === job.id) {
      const step = jobStep(event.payload.value, who);
      if (step) {
        steps.push({ key, time, ...step });
      }
    } else if (event.payload.case === "agent" && event.payload.value.agent?.jobId === job.id) {
      const kind = event.payload.value.kind;
      if (kind === AgentChanged_Kind.UNREACHABLE) {
        steps.push({
          key,
          time,
          icon: "unreachable",
          tone: "warn",
          text: "Its server does not answer",
          detail: "It may come back.",
        });
      } else if (kind === AgentChanged_Kind.RETURNED) {
        steps.push({ key, time, icon: "running", tone: "accent", text: "Its server is back", detail: "" });
      }
    }
  }
  return steps;
}

function jobStep(changed: JobChanged, who: string): Omit<Step, "key" | "time"> | undefined {
  const job = changed.job;
  switch (changed.kind) {
    case JobChanged_Kind.INPUT_REQUIRED:
      return { icon: "asks", tone: "warn", text: "Asked for input", detail: job?.question ?? "" };
    case JobChanged_Kind.RESUMED:
      return { icon: "running", tone: "accent", text: "Went on", detail: "" };
    case JobChanged_Kind.STOPPING:
      return {
        icon: "stopping",
        tone: "warn",
        text: who === "system" ? "Being ended" : `Being ended by ${who}`,
        detail: "",
      };
    case JobChanged_Kind.BACKED_OFF:
      return { icon: "again", tone: "warn", text: "Will be retried", detail: "" };
    case JobChanged_Kind.REQUEUED:
      return {
        icon: "again",
        tone: "neutral",
        text: who === "system" ? "Queued again" : `Queued again by ${who}`,
        detail: "",
      };
    default:
      return undefined;
  }
}
