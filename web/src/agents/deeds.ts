// What a person can do to agents and jobs, and whether this one may. It must not know from where it is done.

import { useMemo } from "react";
import { failureOf } from "../api/failure.ts";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { uuidv7 } from "../api/uuid.ts";
import { toast } from "../ui/index.ts";
import { useClients, useRole } from "../workspace/hooks.tsx";
import { useQueueAnswer } from "./live.ts";

export interface May {
  /** Spawn, answer, kill, retry, pause. */
  act: boolean;
  /** Kill everything. */
  killAll: boolean;
  /** Why not, in a sentence; empty if all is allowed. */
  why: string;
}

export function useMay(): May {
  const role = useRole();
  return useMemo(() => mayOf(role), [role]);
}

export function mayOf(role: Role): May {
  const act = role >= Role.MEMBER;
  const killAll = role >= Role.ADMIN;
  const why = act
    ? killAll
      ? ""
      : "Killing everything needs an admin's token."
    : "You are a viewer: you see everything here, but it takes a member's token to change anything.";
  return { act, killAll, why };
}

export interface Deeds {
  retry(job: { id: string; name: string }): Promise<void>;
  resume(): Promise<void>;
}

export function useDeeds(): Deeds {
  const clients = useClients();
  const takeQueue = useQueueAnswer();
  return {
    async retry({ id, name }) {
      try {
        await clients.agents.retryJob({ jobId: id, requestId: uuidv7() });
      } catch (error) {
        toast({ title: `${name} was not queued again`, text: failureOf(error).message, tone: "bad" });
      }
    },
    async resume() {
      try {
        takeQueue((await clients.agents.resumeQueue({})).queue);
      } catch (error) {
        toast({ title: "The queue is still paused", text: failureOf(error).message, tone: "bad" });
      }
    },
  };
}
