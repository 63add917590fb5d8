// Checks what a screen reader hears of a command, who is named how, which job a text means, and how tokens are freshened.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { mayMean, offeredJobs } from "../src/agents/job-choice.ts";
import { errorWords, resultWords } from "../src/agents/result-words.ts";
import { EMPTY_FORM, settled } from "../src/agents/spawn-form.ts";
import { type CommandResult, CommandResultSchema } from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import { Agent_State, Job_State, JobSchema } from "../src/api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { type Token, TokenSchema } from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { whoWords } from "../src/layout/people.ts";
import { freshened } from "../src/tokens/useTokens.ts";

type Result = Parameters<typeof create<typeof CommandResultSchema>>[1];

const of = (result: Result): CommandResult =>
  create(CommandResultSchema, { text: "job shell-1 RUNNING", ...result });
const said = (result: Result) => resultWords(of(result));
const job = (name: string, state: Job_State) => ({ id: `id of ${name}`, name, state });

describe("what a command came to", () => {
  it("is a sentence, without ids and words in capitals", () => {
    const runs = job("shell-1", Job_State.RUNNING);
    const one = { case: "spawned", value: { job: runs } } as const;
    expect(said({ result: one })).toBe("shell-1 runs.");
    expect(said({ result: { case: "status", value: { job: runs } } })).toBe("shell-1 runs.");
    const jobs = [runs, job("b", Job_State.FAILED), job("c", Job_State.QUEUED)];
    expect(said({ result: { case: "jobs", value: { jobs } } })).toBe(
      "3 jobs. shell-1 runs. b failed. c waits.",
    );
    expect(said({ result: { case: "jobs", value: {} } })).toBe("0 jobs.");
    const running = [{ name: "a", state: Agent_State.INPUT_REQUIRED }];
    const queue = { running: 1, ready: 2, blocked: 1, paused: true };
    expect(said({ result: { case: "status", value: { queue, running } } })).toBe(
      "1 agent running, 3 jobs waiting. The queue is paused. a: needs input.",
    );
    expect(said({ result: { case: "killed", value: { job: job("a", Job_State.CANCELLED) } } })).toBe(
      "a was cancelled.",
    );
    expect(said({ result: { case: "killed", value: { agents: [{}, {}], cancelledJobs: 1 } } })).toBe(
      "2 agents ended, 1 waiting job cancelled.",
    );
    expect(said({ result: { case: "sent", value: { name: "a" } } })).toBe("It was typed into a.");
    // What was printed is said as it is.
    expect(said({ text: "line 1", result: { case: "log", value: {} } })).toBe("line 1");
  });

  it("has no word for programs where it was refused", () => {
    const refused = (message: string, command = "spawn", reason = "BAD_REQUEST") =>
      errorWords(command, {
        $typeName: "mosaic.chat.v1.CommandError",
        reason,
        message,
        suggestion: "",
        candidates: [],
      });
    expect(refused("prompt: is empty; say what to do")).toBe(
      "Say what the agent is to do: /spawn PROFILE PROMPT.",
    );
    expect(refused("token_budget: is too large")).toBe("The token budget is too large");
    expect(refused('--timeout: "soon" is not a time')).toBe('--timeout: "soon" is not a time');
    expect(refused("nobody is called so", "kill", "AGENT_NOT_FOUND")).toBe("Nobody is called so");
  });
});

describe("who did it", () => {
  it("is a browser where the token is a session's", () => {
    expect(whoWords("session of operator")).toBe("a browser of operator");
    expect(whoWords("ana")).toBe("ana");
    expect(whoWords("")).toBe("");
  });
});

describe("a job that is chosen by typing", () => {
  const at = (name: string, state: Job_State, second: number, prompt = "") =>
    create(JobSchema, { id: name, name, state, prompt, createTime: timestampFromMs(second * 1000) });
  const all = [
    at("rebuild", Job_State.RUNNING, 9),
    at("build-over", Job_State.SUCCEEDED, 8),
    at("build-old", Job_State.RUNNING, 1),
    at("build-new", Job_State.QUEUED, 7),
    at("build", Job_State.SUCCEEDED, 2),
    at("build-failed", Job_State.FAILED, 9),
    at("other", Job_State.RUNNING, 9, "make build"),
  ];
  const jobs = new Map(all.map((job) => [job.id, job]));

  it("is first by its whole name, then by its beginning, live before ended; what failed is none", () => {
    expect(offeredJobs(jobs, " Build ").map(({ name }) => name)).toEqual([
      "build",
      "build-new",
      "build-old",
      "build-over",
      "rebuild",
      "other",
    ]);
    expect(mayMean(jobs.get("other"), "BUILD")).toBe(true);
    expect(mayMean(jobs.get("other"), "rebuild")).toBe(false);
  });

  it("is taken when its whole name is left, once", () => {
    const left = (dependsOnText: string, dependsOn: string[] = []) =>
      settled({ ...EMPTY_FORM, dependsOn, dependsOnText }, offeredJobs(jobs, dependsOnText));
    expect(left("BUILD ")).toMatchObject({ dependsOn: ["build"], dependsOnText: "" });
    expect(left("build", ["build"])).toMatchObject({ dependsOn: ["build"], dependsOnText: "" });
    expect(left("buil")).toMatchObject({ dependsOn: [], dependsOnText: "buil" });
  });
});

describe("tokens that are asked for again", () => {
  it("are as they are now, but what is revoked stays so", () => {
    const token = (id: string, more: Partial<Token> = {}) => ({ ...create(TokenSchema, { id }), ...more });
    const time = timestampFromMs(1000);
    const fresh = [token("new"), token("used", { lastUseTime: time }), token("gone")];
    const now = freshened([token("used"), token("gone", { revokeTime: time }), token("older")], fresh);
    expect(now.map(({ id }) => id)).toEqual(["new", "used", "gone", "older"]);
    expect(now[1]?.lastUseTime).toEqual(time);
    expect(now[2]?.revokeTime).toEqual(time);
  });
});
