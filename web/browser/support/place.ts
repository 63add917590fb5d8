// Where the programs under test are, and as whom they run: never as root. It must not know what they do.

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";

const TEST_USER = "mosaic-test";

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** Whoever runs the tests, or `mosaic-test` (made by `./test`) if that is root. */
export function account(): Account {
  const own = userInfo();
  if (own.uid !== 0) return { name: own.username, uid: own.uid, gid: own.gid, home: own.homedir };
  const line = execFileSync("getent", ["passwd", TEST_USER], { encoding: "utf8" }).trim().split(":");
  const [name = TEST_USER, , uid, gid, , home = "/"] = line;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** A program of this workspace: built by `./test`, or where `MOSAIC_TEST_BIN` says. */
export function program(name: string): string {
  const built = resolve(import.meta.dirname, "../../../target/debug");
  return join(process.env.MOSAIC_TEST_BIN ?? built, name);
}

/** A new directory that the account may use. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "mosaic-web-"));
  const { uid, gid } = account();
  chmodSync(dir, 0o755);
  if (process.getuid?.() === 0) chownSync(dir, uid, gid);
  return dir;
}

/** A small clean environment. */
export function environment(): Record<string, string> {
  const { name, home } = account();
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: home,
    USER: name,
    LOGNAME: name,
    SHELL: "/bin/bash",
    LANG: "C.UTF-8",
  };
}
