// Jobs and their newest agents as the rows of one list: what is shown of each, in which order, and what filters keep.
//
// It must not know how rows are drawn, nor where jobs and agents come from.

import {
  type Agent,
  Agent_State,
  type Job,
  Job_State,
  type Queue,
} from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { msOf } from "./time.ts";
import { agentWords, capital, endWords, firstLine, jobWords, type StateWords } from "./words.ts";

export type Group = "running" | "waiting" | "ended";

/** What the third line of a row is. */
export type LineKind = "question" | "output" | "message" | "waiting" | "none";

export interface Row {
  /** The job's id: attempts of one job are one row. */
  id: string;
  name: string;
  profile: string;
  /** The prompt's first line; empty if the job is not known. */
  prompt: string;
  state: StateWords;
  group: Group;
  asks: boolean;
  failed: boolean;
  attempt: number;
  attemptsMax: number;
  /** What the row's time counts: from `since`, to `until` or to now. */
  since: number;
  until?: number;
  /** What the line below says. */
  line: string;
  lineKind: LineKind;
  /** When the job was made. */
  created: number;
  job?: Job;
  agent?: Agent;
}

export type Filter = "all" | "running" | "waiting" | "input" | "ended" | "failed";

export const FILTERS: readonly { id: Filter; word: string }[] = [
  { id: "all", word: "All" },
  { id: "running", word: "Running" },
  { id: "waiting", word: "Waiting" },
  { id: "input", word: "Needs input" },
  { id: "ended", word: "Ended" },
  { id: "failed", word: "Failed" },
];

export function isOver(state: Job_State): boolean {
  return state >= Job_State.SUCCEEDED;
}

/** True while an agent of it is alive. */
export function hasAgent(state: Job_State): boolean {
  return state === Job_State.RUNNING || state === Job_State.INPUT_REQUIRED || state === Job_State.STOPPING;
}

/** Succeeded and cancelled ones are over as somebody wished; the others are not. */
export function hasFailed(state: Job_State): boolean {
  return isOver(state) && state !== Job_State.SUCCEEDED && state !== Job_State.CANCELLED;
}

export function isAgentOver(state: Agent_State): boolean {
  return state === Agent_State.EXITED || state === Agent_State.LOST;
}

/** What programs printed last, by agent: fresher than what events brought. */
export type Lines = ReadonlyMap<string, { line: string; tokens: bigint }>;

/** What the rows are told beside jobs and agents. */
export interface Around {
  lines: Lines;
  /** All jobs that are known, for the names of those that a job waits for. */
  jobs: ReadonlyMap<string, Job>;
  queue?: Queue;
}

const NOTHING: Around = { lines: new Map(), jobs: new Map() };

/** One row for each job, and for each agent whose job is not known. */
export function rowsOf(
  jobs: ReadonlyMap<string, Job>,
  agents: ReadonlyMap<string, Agent>,
  around: Omit<Around, "jobs"> = NOTHING,
): Row[] {
  const everything = { ...around, jobs };
  const rows: Row[] = [];
  for (const job of jobs.values()) {
    rows.push(rowOf(job, agents.get(job.agentId), everything));
  }
  const newest = new Map<string, Agent>();
  for (const agent of agents.values()) {
    const known = newest.get(agent.jobId);
    if (!jobs.has(agent.jobId) && (!known || known.attempt < agent.attempt)) {
      newest.set(agent.jobId, agent);
    }
  }
  for (const agent of newest.values()) {
    rows.push(rowOfAgent(agent, around.lines));
  }
  return rows.sort(byGroupThenNewest);
}

export function rowOf(job: Job, agent?: Agent, around: Around = NOTHING): Row {
  const line = lineOf(job, agent, around);
  const waits = job.state === Job_State.QUEUED;
  return {
    id: job.id,
    name: job.name,
    profile: job.profile,
    prompt: firstLine(job.prompt),
    state: stateOf(job, agent),
    group: isOver(job.state) ? "ended" : hasAgent(job.state) ? "running" : "waiting",
    asks: job.state === Job_State.INPUT_REQUIRED,
    failed: hasFailed(job.state),
    attempt: job.attempts,
    attemptsMax: job.attemptsMax,
    since: msOf(waits ? job.createTime : (job.startTime ?? job.createTime)) ?? 0,
    until: isOver(job.state) ? msOf(job.endTime) : undefined,
    ...line,
    created: msOf(job.createTime) ?? 0,
    job,
    agent,
  };
}

export function rowOfAgent(agent: Agent, lines: Lines): Row {
  const over = isAgentOver(agent.state);
  const state = agentWords(agent.state, agent.exit);
  const line = lines.get(agent.id)?.line || agent.lastLine;
  return {
    id: agent.jobId,
    name: agent.name,
    profile: agent.profile,
    prompt: "",
    state,
    group: over ? "ended" : "running",
    asks: agent.state === Agent_State.INPUT_REQUIRED,
    failed: over && state.tone === "bad",
    attempt: agent.attempt,
    attemptsMax: agent.attempt,
    since: msOf(agent.startTime ?? agent.createTime) ?? 0,
    until: over ? msOf(agent.endTime) : undefined,
    line,
    lineKind: line ? "output" : "none",
    created: msOf(agent.createTime) ?? 0,
    agent,
  };
}

/** The job's state, except where the agent knows better: it is only starting, or its machine is silent. */
export function stateOf(job: Job, agent?: Agent): StateWords {
  if (agent && hasAgent(job.state) && agent.id === job.agentId) {
    if (
      agent.state === Agent_State.UNREACHABLE ||
      (agent.state === Agent_State.STARTING && job.state === Job_State.RUNNING)
    ) {
      return agentWords(agent.state);
    }
  }
  return jobWords(job.state);
}

function lineOf(job: Job, agent: Agent | undefined, around: Around): { line: string; lineKind: LineKind } {
  if (job.state === Job_State.INPUT_REQUIRED && job.question) {
    return { line: job.question, lineKind: "question" };
  }
  if (hasAgent(job.state)) {
    const line = (agent && (around.lines.get(agent.id)?.line || agent.lastLine)) || "";
    return { line, lineKind: line ? "output" : "none" };
  }
  if (!isOver(job.state)) {
    const line = waitWords(job, around);
    return { line, lineKind: line ? "waiting" : "none" };
  }
  if (job.state === Job_State.SUCCEEDED) {
    return { line: "", lineKind: "none" };
  }
  const line = endWords(job);
  return { line, lineKind: line ? "message" : "none" };
}

const NAMES_MAX = 3;

/** What a job waits for. The job itself says what it waited for at its last event; the queue has gone on since. */
export function waitWords(job: Job, { jobs, queue }: Around): string {
  if (job.state === Job_State.BACKING_OFF) {
    return capital(firstLine(job.message));
  }
  const pending = job.dependsOn
    .map((id) => jobs.get(id))
    .filter((other) => other !== undefined)
    .filter((other) => other.state !== Job_State.SUCCEEDED)
    .map((other) => other.name);
  if (pending.length > 0) {
    const more = pending.length > NAMES_MAX ? ` and ${pending.length - NAMES_MAX} more` : "";
    return `Waits for ${pending.slice(0, NAMES_MAX).join(", ")}${more}`;
  }
  if (queue?.paused) {
    return "Waits: the queue is paused";
  }
  if (queue && queue.running >= queue.runningMax) {
    return `Waits for room: ${queue.running} of ${queue.runningMax} run`;
  }
  return job.waitingFor ? `Waits for ${waitsFor(job)}` : "";
}

/** What a job waits for, without the call that would end the waiting: a page has a button. */
function waitsFor({ waitingFor }: Pick<Job, "waitingFor">): string {
  return waitingFor.replace(/: [A-Z]\w+$/, "");
}

const RANK: Readonly<Record<Group, number>> = { running: 0, waiting: 1, ended: 2 };

function byGroupThenNewest(a: Row, b: Row): number {
  return (
    RANK[a.group] - RANK[b.group] ||
    Number(b.asks) - Number(a.asks) ||
    b.created - a.created ||
    (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
  );
}

function passes(row: Row, filter: Filter): boolean {
  switch (filter) {
    case "all":
      return true;
    case "input":
      return row.asks;
    case "failed":
      return row.failed;
    default:
      return row.group === filter;
  }
}

/** Every word has to be in the name, profile, prompt, state, creator or labels. */
export function filterRows(rows: readonly Row[], filter: Filter, text: string): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (!passes(row, filter)) {
      return false;
    }
    if (words.length === 0) {
      return true;
    }
    const labels = Object.entries(row.job?.labels ?? {}).map(([name, value]) => `${name}=${value}`);
    const parts = [
      row.name,
      row.profile,
      row.job?.prompt ?? "",
      row.state.word,
      row.job?.creator ?? "",
      row.line,
      ...labels,
    ];
    const hay = parts.join("\n").toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

export function countRows(rows: readonly Row[]): Record<Filter, number> {
  const counts: Record<Filter, number> = { all: 0, running: 0, waiting: 0, input: 0, ended: 0, failed: 0 };
  for (const row of rows) {
    for (const { id } of FILTERS) {
      if (passes(row, id)) {
        counts[id] += 1;
      }
    }
  }
  return counts;
}
