// Everything about one job: what the workspace knows of it, its whole prompt, and all its attempts, asked for when it is
// opened and again when it has moved on. It must not know how it is shown.

import { useEffect, useMemo, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Agent, Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useClients, useWorkspace } from "../workspace/hooks.tsx";

export interface Detail {
  job?: Job;
  /** The newest attempt. */
  agent?: Agent;
  /** All attempts that are known, the first one first. */
  attempts: readonly Agent[];
  failure?: Failure;
}

const ATTEMPTS_MAX = 100;

/** `id` is an agent's or a job's: both are UUIDs, and the agent's job is what is shown. */
export function useDetail(id: string): Detail {
  const clients = useClients();
  const known = useWorkspace(({ jobs, agents, ready }) => {
    const agent = agents.get(id);
    const job = jobs.get(agent?.jobId ?? id);
    return { job, agent: agents.get(job?.agentId ?? "") ?? agent, ready };
  });
  const agents = useWorkspace((state) => state.agents);
  const [asked, setAsked] = useState<{ job?: Job; agents: readonly Agent[]; failure?: Failure }>({
    agents: [],
  });
  const job = newer(known.job, asked.job);
  const jobId = job?.id;
  const step = `${known.job?.state} ${known.job?.attempts}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the job takes a step
  useEffect(() => {
    if (!known.ready) {
      return;
    }
    const leaving = new AbortController();
    const ask = async () => {
      const signal = leaving.signal;
      const of = jobId ?? (await jobIdOf(clients, id, signal));
      const [{ job }, { agents }] = await Promise.all([
        clients.agents.getJob({ jobId: of }, { signal }),
        clients.agents.listAgents({ jobId: of, pageSize: ATTEMPTS_MAX }, { signal }),
      ]);
      setAsked({ job, agents });
    };
    ask().catch((error: unknown) => {
      const failure = failureOf(error);
      if (!leaving.signal.aborted) {
        setAsked((before) => ({ ...before, failure }));
      }
    });
    return () => leaving.abort();
  }, [clients, id, jobId, step, known.ready]);

  return useMemo(() => {
    const attempts = new Map(asked.agents.map((agent) => [agent.id, agent]));
    for (const agent of agents.values()) {
      if (agent.jobId === jobId) {
        // Events are never behind for long, and bring all but what was printed last.
        const lastLine = agent.lastLine || attempts.get(agent.id)?.lastLine;
        attempts.set(agent.id, lastLine ? { ...agent, lastLine } : agent);
      }
    }
    const sorted = [...attempts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const agent = attempts.get(job?.agentId ?? "") ?? sorted.at(-1) ?? known.agent;
    return { job, agent, attempts: sorted, failure: job || agent ? undefined : asked.failure };
  }, [asked, agents, jobId, job, known.agent]);
}

async function jobIdOf(
  clients: ReturnType<typeof useClients>,
  id: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { agent } = await clients.agents.getAgent({ agentId: id }, { signal });
    return agent?.jobId || id;
  } catch (error) {
    if (failureOf(error).reason === "AGENT_NOT_FOUND") {
      return id;
    }
    throw error;
  }
}

/** The state of the event, and the whole prompt: events carry its beginning. */
function newer(known: Job | undefined, asked: Job | undefined): Job | undefined {
  if (!known || !asked || known.id !== asked.id) {
    return known ?? asked;
  }
  return asked.prompt.length > known.prompt.length ? { ...known, prompt: asked.prompt } : known;
}
