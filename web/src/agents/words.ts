// States, reasons and exits in plain words, each with a tone and the name of an icon, so that none is told by its colour alone.
//
// It must not know how they are drawn.

import {
  Agent_State,
  type Job,
  Job_EndReason,
  Job_State,
} from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import {
  EndingStep_Sent,
  type Exit,
  Exit_Reason,
  type Limit,
  Limit_Enforcement,
  Tracking,
} from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { whoWords } from "../layout/people.ts";

export type Tone = "neutral" | "accent" | "good" | "warn" | "bad";

export type IconName =
  | "waiting"
  | "starting"
  | "running"
  | "asks"
  | "again"
  | "stopping"
  | "done"
  | "failed"
  | "cancelled"
  | "timeout"
  | "budget"
  | "unreachable"
  | "lost"
  | "terminal"
  | "chat"
  | "other";

export interface StateWords {
  /** One or two words. */
  word: string;
  tone: Tone;
  icon: IconName;
}

const UNKNOWN: StateWords = { word: "Unknown", tone: "neutral", icon: "other" };

// What jobs and their agents have in common.
const RUNNING: StateWords = { word: "Running", tone: "accent", icon: "running" };
const ASKS: StateWords = { word: "Needs input", tone: "warn", icon: "asks" };
const ENDING: StateWords = { word: "Ending", tone: "warn", icon: "stopping" };
const TIMED_OUT: StateWords = { word: "Timed out", tone: "bad", icon: "timeout" };
const LOST: StateWords = { word: "Lost", tone: "bad", icon: "lost" };

const JOB: Readonly<Record<Job_State, StateWords>> = {
  [Job_State.UNSPECIFIED]: UNKNOWN,
  [Job_State.QUEUED]: { word: "Waiting", tone: "neutral", icon: "waiting" },
  [Job_State.RUNNING]: RUNNING,
  [Job_State.INPUT_REQUIRED]: ASKS,
  [Job_State.BACKING_OFF]: { word: "Will retry", tone: "warn", icon: "again" },
  [Job_State.STOPPING]: ENDING,
  [Job_State.SUCCEEDED]: { word: "Succeeded", tone: "good", icon: "done" },
  [Job_State.FAILED]: { word: "Failed", tone: "bad", icon: "failed" },
  [Job_State.CANCELLED]: { word: "Cancelled", tone: "neutral", icon: "cancelled" },
  [Job_State.TIMED_OUT]: TIMED_OUT,
  [Job_State.BUDGET_EXCEEDED]: { word: "Over budget", tone: "bad", icon: "budget" },
  [Job_State.LOST]: LOST,
};

const AGENT: Readonly<Record<Agent_State, StateWords>> = {
  [Agent_State.UNSPECIFIED]: UNKNOWN,
  [Agent_State.STARTING]: { word: "Starting", tone: "accent", icon: "starting" },
  [Agent_State.RUNNING]: RUNNING,
  [Agent_State.INPUT_REQUIRED]: ASKS,
  [Agent_State.STOPPING]: ENDING,
  [Agent_State.EXITED]: { word: "Ended", tone: "neutral", icon: "done" },
  [Agent_State.UNREACHABLE]: { word: "Unreachable", tone: "warn", icon: "unreachable" },
  [Agent_State.LOST]: LOST,
};

export function jobWords(state: Job_State): StateWords {
  return JOB[state] ?? UNKNOWN;
}

const JOB_VERB: Readonly<Record<Job_State, string>> = {
  [Job_State.UNSPECIFIED]: "is in a state that this page does not know",
  [Job_State.QUEUED]: "waits",
  [Job_State.RUNNING]: "runs",
  [Job_State.INPUT_REQUIRED]: "needs input",
  [Job_State.BACKING_OFF]: "will be tried again",
  [Job_State.STOPPING]: "is being ended",
  [Job_State.SUCCEEDED]: "succeeded",
  [Job_State.FAILED]: "failed",
  [Job_State.CANCELLED]: "was cancelled",
  [Job_State.TIMED_OUT]: "timed out",
  [Job_State.BUDGET_EXCEEDED]: "used more tokens than it may",
  [Job_State.LOST]: "was lost",
};

/** What a job does or did, after its name. */
export function jobVerb(state: Job_State): string {
  return JOB_VERB[state] ?? JOB_VERB[Job_State.UNSPECIFIED];
}

/** An agent that has ended says how: its exit decides between succeeded, failed and ended by somebody. */
export function agentWords(state: Agent_State, exit?: Exit): StateWords {
  if (state !== Agent_State.EXITED || !exit) {
    return AGENT[state] ?? UNKNOWN;
  }
  if (exit.reason === Exit_Reason.EXITED && exit.code === 0) {
    return { word: "Exited 0", tone: "good", icon: "done" };
  }
  if (exit.reason === Exit_Reason.CLOSED || exit.reason === Exit_Reason.KILLED) {
    return { word: "Ended", tone: "neutral", icon: "cancelled" };
  }
  if (exit.reason === Exit_Reason.TIME_LIMIT || exit.reason === Exit_Reason.IDLE_TIMEOUT) {
    return TIMED_OUT;
  }
  if (exit.reason === Exit_Reason.LOST) {
    return LOST;
  }
  if (exit.code !== undefined) {
    return {
      word: `Exited ${exit.code}`,
      tone: exit.code === 0 ? "good" : "bad",
      icon: exit.code === 0 ? "done" : "failed",
    };
  }
  return {
    word: exit.signalName || "Ended",
    tone: exit.signal === undefined ? "neutral" : "bad",
    icon: exit.signal === undefined ? "other" : "failed",
  };
}

/** What a state means, in a sentence. */
export function jobSentence(state: Job_State): string {
  switch (state) {
    case Job_State.QUEUED:
      return "It waits in the queue.";
    case Job_State.RUNNING:
      return "Its program runs.";
    case Job_State.INPUT_REQUIRED:
      return "Its program asks something and waits for an answer.";
    case Job_State.BACKING_OFF:
      return "An attempt failed; it pauses before the next one.";
    case Job_State.STOPPING:
      return "It is being ended.";
    case Job_State.SUCCEEDED:
      return "Its program exited with 0.";
    case Job_State.FAILED:
      return "It failed.";
    case Job_State.CANCELLED:
      return "Somebody ended it.";
    case Job_State.TIMED_OUT:
      return "It took too long.";
    case Job_State.BUDGET_EXCEEDED:
      return "It used more tokens than it may.";
    case Job_State.LOST:
      return "Nobody knows what became of it: its machine is gone.";
    default:
      return "";
  }
}

const END_REASON: Readonly<Record<Job_EndReason, string>> = {
  [Job_EndReason.UNSPECIFIED]: "",
  [Job_EndReason.EXITED]: "The program exited",
  [Job_EndReason.SIGNALED]: "A signal from outside ended the program",
  [Job_EndReason.START_FAILED]: "The program could not be started",
  [Job_EndReason.DEPENDENCY_FAILED]: "A job that it depends on did not succeed",
  [Job_EndReason.CANCELLED]: "The job was cancelled",
  [Job_EndReason.KILLED]: "The agent was killed, or its terminal closed",
  [Job_EndReason.KILL_SWITCH]: "Everything was killed",
  [Job_EndReason.QUEUED_TIMEOUT]: "It waited too long for its start",
  [Job_EndReason.TIMEOUT]: "It ran too long",
  [Job_EndReason.OUTPUT_TIMEOUT]: "It printed nothing for too long",
  [Job_EndReason.TOKEN_BUDGET]: "It used more tokens than it may",
  [Job_EndReason.LOST]: "Its machine went away",
};

export function endReasonWords(reason: Job_EndReason): string {
  return END_REASON[reason] ?? "It ended for a reason that this page does not know";
}

/** Why a job is over, in a line: the server's words, and what they are where they are a person's. */
export function endWords(job: Pick<Job, "state" | "endReason" | "message">): string {
  const message = firstLine(job.message);
  if (job.state !== Job_State.CANCELLED || !message) {
    return capital(message) || endReasonWords(job.endReason);
  }
  const verb =
    job.endReason === Job_EndReason.KILLED
      ? "Killed"
      : job.endReason === Job_EndReason.KILL_SWITCH
        ? "Killed with everything"
        : "Cancelled";
  return message.startsWith("by ") ? `${verb} by ${whoWords(message.slice(3))}` : `${verb}: “${message}”`;
}

/** How a program ended: "exited with 3", "ended by SIGKILL". */
export function exitWords(exit: Exit): string {
  const how =
    exit.code !== undefined
      ? `exited with ${exit.code}`
      : exit.signal !== undefined
        ? `was ended by ${signalName(exit)}`
        : "";
  switch (exit.reason) {
    case Exit_Reason.CLOSED:
    case Exit_Reason.KILLED: {
      const all = exit.reason === Exit_Reason.KILLED ? "was ended with everything else" : "was ended";
      return exit.signal === undefined
        ? [all, how].filter(Boolean).join(" and ")
        : `${all}: ${signalName(exit)}`;
    }
    case Exit_Reason.IDLE_TIMEOUT:
      return "was ended because it was idle";
    case Exit_Reason.TIME_LIMIT:
      return "was ended because it ran too long";
    case Exit_Reason.LOST:
      return "was lost";
    default:
      return how || "ended, and nobody knows how";
  }
}

function signalName(exit: Exit): string {
  return exit.signalName || `signal ${exit.signal}`;
}

export function sentWords(sent: EndingStep_Sent): string {
  switch (sent) {
    case EndingStep_Sent.HUP:
      return "SIGHUP";
    case EndingStep_Sent.TERM:
      return "SIGTERM";
    case EndingStep_Sent.KILL:
      return "SIGKILL";
    case EndingStep_Sent.CGROUP_KILL:
      return "SIGKILL to the whole cgroup";
    default:
      return "Something else";
  }
}

export function trackingWords(tracking: Tracking): string {
  switch (tracking) {
    case Tracking.PROCESS_TABLE:
      return "by session, environment and ancestry";
    case Tracking.CGROUP_V1:
      return "by cgroup (version 1), session, environment and ancestry";
    case Tracking.CGROUP_V2:
      return "by cgroup (version 2), session, environment and ancestry";
    default:
      return "not known";
  }
}

/** Who keeps a limit. */
export function keeperWords(
  limit: Limit,
  what: "processes" | "other" = "other",
): { text: string; kept: boolean } {
  switch (limit.enforcement) {
    case Limit_Enforcement.CGROUP_V2:
    case Limit_Enforcement.CGROUP_V1:
      return { text: "kept by a cgroup, for all its processes together", kept: true };
    case Limit_Enforcement.RLIMIT:
      return what === "processes"
        ? { text: "kept for all that the account runs", kept: true }
        : { text: "kept for each process by itself, not together", kept: true };
    case Limit_Enforcement.UNENFORCED:
      return { text: "kept by nobody on this machine", kept: false };
    default:
      return { text: "not known who keeps it", kept: false };
  }
}

/** "512 MiB". */
export function bytesWords(bytes: bigint): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = Number(bytes);
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size >= 100 || unit === 0 ? Math.round(size) : Math.round(size * 10) / 10} ${units[unit]}`;
}

/** "1 job", "2 jobs". */
export function countWords(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** The first line with something in it, for lists. */
export function firstLine(text: string): string {
  for (const line of text.split("\n", 32)) {
    if (line.trim()) {
      return line.trim();
    }
  }
  return "";
}

/** The server's sentences begin small. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
