// What is worth telling a person who looks elsewhere: an agent ended, or needs input. It must not know how it is told.

import { Job_State } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { type Event, JobChanged_Kind } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { endWords, firstLine, jobVerb, jobWords, type Tone } from "./words.ts";

export interface Notice {
  title: string;
  text: string;
  jobId: string;
  agentId: string;
  tone: Tone;
}

const TEXT_MAX = 160;

/** Attempts that will be retried, and jobs that never had an agent, are no news. */
export function noticeOf(event: Event): Notice | undefined {
  if (event.payload.case !== "job") {
    return undefined;
  }
  const { kind, job } = event.payload.value;
  if (!job?.agentId) {
    return undefined;
  }
  const of = (title: string, text: string, tone: Tone): Notice => ({
    title,
    text: text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text,
    jobId: job.id,
    agentId: job.agentId,
    tone,
  });
  if (kind === JobChanged_Kind.INPUT_REQUIRED) {
    return of(`${job.name} needs input`, job.question || "Its program asks something.", "warn");
  }
  if (kind !== JobChanged_Kind.ENDED) {
    return undefined;
  }
  const text = job.state === Job_State.SUCCEEDED ? firstLine(job.prompt) : endWords(job);
  return of(`${job.name} ${jobVerb(job.state)}`, text, jobWords(job.state).tone);
}

const OWN_MAX = 500;

/** Which jobs a person ended: that they are over then is no news to this person. */
export class OwnEnds {
  #jobs = new Set<string>();

  /** True if the event tells the end of what the holder of the token has ended. */
  take(event: Event, tokenId: string | undefined): boolean {
    const { payload, principal } = event;
    if (payload.case !== "job" || !payload.value.job) {
      return false;
    }
    const { kind, job } = payload.value;
    const own = tokenId !== undefined && tokenId !== "" && principal?.tokenId === tokenId;
    if (kind === JobChanged_Kind.STOPPING && own) {
      this.#jobs.add(job.id);
      const [oldest] = this.#jobs;
      if (this.#jobs.size > OWN_MAX && oldest) {
        this.#jobs.delete(oldest);
      }
    }
    // One that waits for its next attempt is over at once.
    const ended = kind === JobChanged_Kind.ENDED && (this.#jobs.delete(job.id) || own);
    return ended && job.state === Job_State.CANCELLED;
  }
}
