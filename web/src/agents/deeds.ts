// What a person can do to agents and jobs, and whether this one may. It must not know from where it is done.

import { useMemo } from "react";
import { failureOf } from "../api/failure.ts";
import { uuidv7 } from "../api/uuid.ts";
import { toast } from "../ui/index.ts";
import { useClients, useRole } from "../workspace/hooks.tsx";
import { useQueueAnswer } from "./live.ts";
import { type May, mayOf } from "./may.ts";

export function useMay(): May {
  const role = useRole();
  return useMemo(() => mayOf(role), [role]);
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
