// A real server with its own PostgreSQL, real shells, and a model server that says what a script tells it to.
// It must not know about browsers.

import { execFile, execFileSync } from "node:child_process";
import { chownSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { Overheard } from "./overheard.ts";
import { account, environment, program, scratch } from "./place.ts";
import { Program } from "./process.ts";
import { models } from "./script.ts";

export class Server {
  private constructor(
    readonly endpoint: string,
    private readonly dir: string,
    private readonly llm: Program,
    /** The way to the models. */
    readonly wire: Overheard,
    private serving: Program,
  ) {}

  /** Starts a new server; `settings` come behind those of all tests. */
  static async start(settings = ""): Promise<Server> {
    const dir = scratch();
    writeFileSync(join(dir, "models.toml"), models());
    const [llm, [, upstream = ""]] = await Program.start(
      program("fake-llm"),
      ["--script", join(dir, "models.toml"), "--listen", "127.0.0.1:0"],
      /listening on (\S+)/,
    );
    const wire = await Overheard.before(upstream);
    configure(dir, configuration(wire.endpoint) + settings);
    const listen = `127.0.0.1:${await freePort()}`;
    return new Server(`http://${listen}`, dir, llm, wire, await serve(dir, listen));
  }

  /** A session's sign-in code. */
  async code(): Promise<string> {
    const answer = await this.mosaic("web", "--print");
    const code = answer.match(/#sign-in=(\S+)/)?.[1];
    if (!code) throw new Error(`no code in ${answer}`);
    return code;
  }

  /** The operator's token, which is nobody's to print. */
  token(): string {
    return readFileSync(join(this.dir, "data/operator-token"), "utf8").trim();
  }

  /** What the command line answers. */
  async mosaic(...args: string[]): Promise<string> {
    const { uid, gid } = account();
    const env = {
      ...environment(),
      MOSAIC_ENDPOINT: this.endpoint,
      MOSAIC_TOKEN_FILE: join(this.dir, "data/operator-token"),
    };
    const as = process.getuid?.() === 0 ? { uid, gid } : {};
    const run = promisify(execFile)(program("mosaic"), args, { env, cwd: "/", ...as, maxBuffer: 64 << 20 });
    return (await run).stdout;
  }

  /** Kills the server at once; terminals and database live on. */
  async kill9(): Promise<void> {
    await this.serving.end("SIGKILL");
  }

  /** Stops it as Ctrl-C does. */
  async stopServing(): Promise<void> {
    await this.serving.end("SIGTERM");
  }

  /** Starts it again, on the same port and data; with more settings, or without those that it had. */
  async again(settings = ""): Promise<void> {
    configure(this.dir, configuration(this.wire.endpoint) + settings);
    this.serving = await serve(this.dir, this.endpoint.replace("http://", ""));
  }

  /** What the server said last, for the report of a failure. */
  said(): string {
    return this.serving.said.slice(-60).join("\n");
  }

  /** Ends everything that was started, and forgets it. */
  async end(): Promise<void> {
    const { uid, gid } = account();
    const as = process.getuid?.() === 0 ? { uid, gid } : {};
    const places = ["--data-dir", join(this.dir, "data"), "--run-dir", join(this.dir, "run")];
    execFileSync(program("mosaic-server"), ["stop", "--all", ...places], {
      env: environment(),
      cwd: "/",
      ...as,
    });
    await this.wire.pull();
    await this.llm.end("SIGINT");
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function serve(dir: string, listen: string): Promise<Program> {
  const places = ["--data-dir", join(dir, "data"), "--run-dir", join(dir, "run")];
  const args = ["serve", "--config", join(dir, "mosaic.toml"), "--listen", listen, ...places];
  const [serving] = await Program.start(program("mosaic-server"), args, /^listening on (\S+)/);
  return serving;
}

function configure(dir: string, settings: string): void {
  const file = join(dir, "mosaic.toml");
  writeFileSync(file, settings);
  if (process.getuid?.() === 0) chownSync(file, account().uid, account().gid);
}

function configuration(upstream: string): string {
  return `
[provider.fake]
kind = "openai"
base_url = "${upstream}/v1"
model = "markdown"
context_tokens = 32000

[model.careful]
candidates = ["fake/busy", "fake/markdown"]

[local_model]
enabled = false

[profile.asks]
description = "Asks before it goes on."
kind = "command"
command = ["/bin/bash", "-c", "echo working on: $1; read -r -p 'Continue? [y/N] ' answer; echo \\"you said $answer\\"", "asks", "{prompt}"]
input_pattern = '\\[y/N\\] $'
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
