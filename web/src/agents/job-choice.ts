// Which jobs a text may mean that somebody types to choose one, the likeliest first. It must not know how they are shown.

import type { Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { hasFailed, isOver } from "./rows.ts";
import { msOf } from "./time.ts";

/** All that a new job may wait for: what has failed already could only fail it as well. */
export function offeredJobs(jobs: ReadonlyMap<string, Job>, typed: string): Job[] {
  const place = (job: Job) => [rankOf(job, typed), isOver(job.state) ? 1 : 0, -(msOf(job.createTime) ?? 0)];
  return [...jobs.values()]
    .filter((job) => !hasFailed(job.state))
    .map((job) => ({ job, place: place(job) }))
    .sort((a, b) => compare(a.place, b.place))
    .map(({ job }) => job);
}

export function mayMean(job: Job | undefined, typed: string): boolean {
  const hay = job ? `${job.name}\n${job.prompt}`.toLowerCase() : "";
  return hay.includes(typed.trim().toLowerCase());
}

/** Whose name it is, whose begins so, whose has it, and then those that only do something of the kind. */
function rankOf({ name }: Job, typed: string): number {
  const [own, wanted] = [name.toLowerCase(), typed.trim().toLowerCase()];
  return own === wanted ? 0 : own.startsWith(wanted) ? 1 : own.includes(wanted) ? 2 : 3;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [at, of] of a.entries()) {
    const difference = of - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
