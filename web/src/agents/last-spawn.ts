// The profile and directory of the last job that this browser spawned, for the next form. It must not know the form.

import type { Profile } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import type { SpawnForm } from "./spawn-form.ts";

const KEY = "mosaic.last-spawn";

export function readLast(profiles: ReadonlyMap<string, Profile>): Partial<SpawnForm> {
  try {
    const data: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof data !== "object" || data === null) {
      return {};
    }
    const profile: unknown = Reflect.get(data, "profile");
    const cwd: unknown = Reflect.get(data, "cwd");
    return {
      ...(typeof profile === "string" && profiles.has(profile) ? { profile } : {}),
      ...(typeof cwd === "string" && cwd.length <= 4096 ? { cwd } : {}),
    };
  } catch {
    // Storage may be forbidden, or hold what somebody else wrote.
    return {};
  }
}

/** A directory within a worktree says nothing about the next job. */
export function writeLast({ profile, cwd, repository }: SpawnForm): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ profile, cwd: repository.trim() ? "" : cwd.trim() }));
  } catch {
    // The next form begins empty.
  }
}
