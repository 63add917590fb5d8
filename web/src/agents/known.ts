// A job that was told of some time ago, as it is now: from the workspace, else asked for once, else as it was told.
//
// It must not know how it is shown.

import { useEffect, useState } from "react";
import type { Clients } from "../api/clients.ts";
import { failureOf } from "../api/failure.ts";
import {
  type Agent,
  Agent_State,
  type Job,
  Job_State,
} from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useClients, useWorkspace } from "../workspace/hooks.tsx";
import { isOver } from "./rows.ts";

export interface KnownJob {
  job?: Job;
  agent?: Agent;
  /** It is no longer kept: what is shown is how it was. */
  forgotten: boolean;
}

type Answer = { job?: Job; agent?: Agent; forgotten: boolean };

const ASKED_MAX = 200;
const asked = new WeakMap<Clients, Map<string, Promise<Answer>>>();

/** `key` is "job ID" or "agent ID". */
async function ask(clients: Clients, key: string): Promise<Answer> {
  const [kind, id = ""] = key.split(" ");
  try {
    const jobId = kind === "job" ? id : (await clients.agents.getAgent({ agentId: id })).agent?.jobId;
    const { job } = await clients.agents.getJob({ jobId });
    const agent = job?.agentId ? (await clients.agents.getAgent({ agentId: job.agentId })).agent : undefined;
    return { job, agent, forgotten: false };
  } catch (error) {
    return { forgotten: failureOf(error).code === "not_found" };
  }
}

function askOnce(clients: Clients, key: string): Promise<Answer> {
  const of = asked.get(clients) ?? new Map<string, Promise<Answer>>();
  asked.set(clients, of);
  const known = of.get(key);
  if (known) {
    return known;
  }
  if (of.size >= ASKED_MAX) {
    of.clear();
  }
  const answer = ask(clients, key);
  of.set(key, answer);
  return answer;
}

/** `id` may be empty where only the agent's is known, `agentId`. */
export function useKnownJob(id: string, told?: Job, toldAgent?: Agent, agentId = ""): KnownJob {
  const clients = useClients();
  const { job, agent, ready } = useWorkspace((state) => {
    const job = state.jobs.get(id);
    const agentId = job?.agentId || told?.agentId || toldAgent?.id || "";
    return { job, agent: state.agents.get(agentId), ready: state.ready };
  });
  const [answer, setAnswer] = useState<Answer>();
  // One that was over when it was told of has not changed, but for a retry, and then events tell.
  const unsure = ready && !job && !(told && isOver(told.state));
  const key = id ? `job ${id}` : agentId ? `agent ${agentId}` : "";
  useEffect(() => {
    if (!unsure || !key) {
      return;
    }
    let left = false;
    void askOnce(clients, key).then((found) => !left && setAnswer(found));
    return () => {
      left = true;
    };
  }, [clients, key, unsure]);
  if (job) {
    return { job, agent: agent ?? (toldAgent?.id === job.agentId ? toldAgent : undefined), forgotten: false };
  }
  if (answer?.forgotten) {
    return { job: told && lost(told), agent: toldAgent && lostAgent(toldAgent), forgotten: true };
  }
  return { job: answer?.job ?? told, agent: agent ?? answer?.agent ?? toldAgent, forgotten: false };
}

/** Whatever it was then, it does not run any more. */
function lost(job: Job): Job {
  return isOver(job.state) ? job : { ...job, state: Job_State.UNSPECIFIED, question: "", waitingFor: "" };
}

function lostAgent(agent: Agent): Agent {
  return { ...agent, state: Agent_State.UNSPECIFIED };
}
