// Jobs as trees by what they depend on. It must not know how trees are drawn.
//
// A job may depend on several: it stands once in the list, below the dependency that was made last, and names the others.

import type { Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { msOf } from "./time.ts";

export interface TreeItem {
  job: Job;
  depth: number;
  /** Dependencies beside the one that it stands below. */
  alsoAfter: Job[];
  /** True if no further job stands below the same one. */
  last: boolean;
}

/** Deeper ones are not moved further to the right. */
export const DEPTH_MAX = 8;

function created(job: Job): number {
  return msOf(job.createTime) ?? 0;
}

function newestFirst(a: Job, b: Job): number {
  return created(b) - created(a) || (a.id < b.id ? 1 : -1);
}

/** The dependency that was made last, of those that are known. */
function parentOf(job: Job, jobs: ReadonlyMap<string, Job>): Job | undefined {
  const known = job.dependsOn.map((id) => jobs.get(id)).filter((found) => found !== undefined);
  return known.sort(newestFirst)[0];
}

/** All jobs: those that depend on none first in time's order, newest first, each followed by what depends on it. */
export function treeOf(jobs: ReadonlyMap<string, Job>): TreeItem[] {
  const below = new Map<string, Job[]>();
  const roots: Job[] = [];
  for (const job of jobs.values()) {
    const parent = parentOf(job, jobs);
    if (!parent || parent.id === job.id) {
      roots.push(job);
    } else {
      below.set(parent.id, [...(below.get(parent.id) ?? []), job]);
    }
  }
  const items: TreeItem[] = [];
  const seen = new Set<string>();
  const put = (job: Job, depth: number, last: boolean, parent?: Job) => {
    if (seen.has(job.id)) {
      return;
    }
    seen.add(job.id);
    const alsoAfter = job.dependsOn
      .map((id) => jobs.get(id))
      .filter((found) => found !== undefined)
      .filter((found) => found.id !== parent?.id);
    items.push({ job, depth: Math.min(depth, DEPTH_MAX), alsoAfter, last });
    // Oldest first below a job: that is the order in which they were thought of.
    const children = (below.get(job.id) ?? []).sort(newestFirst).reverse();
    children.forEach((child, index) => {
      put(child, depth + 1, index === children.length - 1, job);
    });
  };
  const newestOf = (job: Job): number => newestBelow(job, below, new Set());
  const order = new Map(roots.map((job) => [job.id, newestOf(job)]));
  roots.sort((a, b) => (order.get(b.id) ?? 0) - (order.get(a.id) ?? 0) || newestFirst(a, b));
  for (const root of roots) {
    put(root, 0, true);
  }
  return items;
}

function newestBelow(job: Job, below: ReadonlyMap<string, Job[]>, seen: Set<string>): number {
  if (seen.has(job.id)) {
    return 0;
  }
  seen.add(job.id);
  const children = below.get(job.id) ?? [];
  return Math.max(created(job), ...children.map((child) => newestBelow(child, below, seen)));
}

export interface Relative {
  id: string;
  /** Absent: it is not known here any more. */
  job?: Job;
  /** 1 for direct ones. */
  distance: number;
}

const RELATIVES_MAX = 60;
const DISTANCE_MAX = 6;

/** What a job waits for: its dependencies and theirs, each once, the farthest first. */
export function upstream(job: Job, jobs: ReadonlyMap<string, Job>): Relative[] {
  return relatives(job, (of) => of.dependsOn, jobs).reverse();
}

/** What waits for a job, the nearest first. */
export function downstream(job: Job, jobs: ReadonlyMap<string, Job>): Relative[] {
  const dependents = new Map<string, string[]>();
  for (const other of jobs.values()) {
    for (const id of other.dependsOn) {
      dependents.set(id, [...(dependents.get(id) ?? []), other.id]);
    }
  }
  return relatives(job, (of) => dependents.get(of.id) ?? [], jobs);
}

function relatives(
  job: Job,
  next: (job: Job) => readonly string[],
  jobs: ReadonlyMap<string, Job>,
): Relative[] {
  const found: Relative[] = [];
  const seen = new Set([job.id]);
  let layer: readonly string[] = next(job);
  for (let distance = 1; distance <= DISTANCE_MAX && layer.length > 0; distance += 1) {
    const further: string[] = [];
    for (const id of layer) {
      if (seen.has(id) || found.length >= RELATIVES_MAX) {
        continue;
      }
      seen.add(id);
      const known = jobs.get(id);
      found.push({ id, job: known, distance });
      further.push(...(known ? next(known) : []));
    }
    layer = further;
  }
  return found;
}
