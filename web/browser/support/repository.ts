// A git repository for agents to work in. It must not know what they do there.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { account, environment, scratch } from "./place.ts";

/** Its absolute path; the name is its directory's. */
export function repository(name: string): string {
  const { uid, gid } = account();
  const as = process.getuid?.() === 0 ? { uid, gid } : {};
  const parent = scratch();
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
      cwd: parent,
      env: environment(),
      stdio: "ignore",
      ...as,
    });
  mkdirSync(parent, { recursive: true });
  git("init", "-b", "main", name);
  git("-C", name, "commit", "--allow-empty", "-m", "the first");
  return join(parent, name);
}
