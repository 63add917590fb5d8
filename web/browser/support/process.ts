// One program under test: started as the test's account, waited for, killed. It must not know which program it is.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { account, environment } from "./place.ts";

/** Lines that are kept for the report of a failure. */
const KEPT_LINES = 400;

export class Program {
  /** What it said last. */
  readonly said: string[] = [];
  private readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    this.ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  }

  /** Starts it, and answers with the line that matches once it has said that. */
  static async start(
    path: string,
    args: string[],
    ready: RegExp,
    env: Record<string, string> = {},
  ): Promise<[Program, RegExpMatchArray]> {
    const { uid, gid } = account();
    const child = spawn(path, args, {
      cwd: "/",
      env: { ...environment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    });
    const program = new Program(child);
    const line = await new Promise<RegExpMatchArray>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) =>
        reject(new Error(`${path} ended with ${code}:\n${program.said.join("\n")}`)),
      );
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue;
        createInterface({ input: stream }).on("line", (text) => {
          program.said.push(text);
          if (program.said.length > KEPT_LINES) program.said.shift();
          const found = text.match(ready);
          if (found) resolve(found);
        });
      }
    });
    return [program, line];
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }
}
