// Checks the list of agents and jobs, its filters, and the trees of what depends on what.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countRows, filterRows, rowsOf } from "../src/agents/rows.ts";
import { downstream, treeOf, upstream } from "../src/agents/tree.ts";
import {
  type Agent,
  Agent_State,
  AgentSchema,
  type Job,
  Job_EndReason,
  Job_State,
  JobSchema,
  QueueSchema,
} from "../src/api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";

let made = 0;

function job(name: string, state: Job_State, more: Partial<Job> = {}): Job {
  made += 1;
  const createTime = timestampFromMs(1_000_000 + made * 1000);
  const { $typeName: _, ...rest } = more;
  return create(JobSchema, {
    id: `job-${name}`,
    name,
    state,
    profile: "shell",
    prompt: `run ${name}`,
    createTime,
    attemptsMax: 1,
    ...rest,
  });
}

function agent(id: string, of: string, state: Agent_State, more: Partial<Agent> = {}): Agent {
  const { $typeName: _, ...rest } = more;
  return create(AgentSchema, { id, jobId: `job-${of}`, name: of, state, attempt: 1, ...rest });
}

function mapOf<T extends { id: string }>(...items: T[]): Map<string, T> {
  return new Map(items.map((item) => [item.id, item]));
}

describe("rows", () => {
  it("running ones first, those that ask on top, each newest first", () => {
    const jobs = mapOf(
      job("old", Job_State.SUCCEEDED),
      job("asks", Job_State.INPUT_REQUIRED, { question: "Sure? " }),
      job("waits", Job_State.QUEUED, { waitingFor: "room" }),
      job("runs1", Job_State.RUNNING),
      job("runs2", Job_State.RUNNING),
      job("failed", Job_State.FAILED, { message: "it exited with 3" }),
    );
    const rows = rowsOf(jobs, new Map());
    expect(rows.map((row) => row.name)).toEqual(["asks", "runs2", "runs1", "waits", "failed", "old"]);
    expect(rows[0]).toMatchObject({ line: "Sure? ", lineKind: "question", asks: true });
    expect(rows[3]).toMatchObject({ line: "Waits for room", group: "waiting" });
    expect(rows[4]).toMatchObject({ line: "It exited with 3", failed: true });
  });

  it("a running one shows the freshest last line, one that ended does not", () => {
    const running = job("a", Job_State.RUNNING, { agentId: "x" });
    const of = agent("x", "a", Agent_State.RUNNING, { lastLine: "old" });
    const lines = new Map([["x", { line: "fresh", tokens: 0n }]]);
    expect(rowsOf(mapOf(running), mapOf(of), { lines })[0]).toMatchObject({
      line: "fresh",
      lineKind: "output",
    });
    expect(rowsOf(mapOf(running), mapOf(of))[0]).toMatchObject({ line: "old" });
    const over = create(JobSchema, { ...running, state: Job_State.SUCCEEDED });
    expect(rowsOf(mapOf(over), mapOf(of), { lines })[0]).toMatchObject({ line: "", lineKind: "none" });
  });

  it("one that waits says for what, as it is now", () => {
    const lines = new Map();
    const queue = create(QueueSchema, { running: 20, runningMax: 20 });
    const first = job("first", Job_State.RUNNING);
    const second = job("second", Job_State.QUEUED, { dependsOn: [first.id], waitingFor: "the jobs" });
    const line = (jobs: Map<string, Job>, of?: typeof queue) =>
      rowsOf(jobs, new Map(), { lines, queue: of }).find((row) => row.name === "second")?.line;
    expect(line(mapOf(first, second), queue)).toBe("Waits for first");
    const done = create(JobSchema, { ...first, state: Job_State.SUCCEEDED });
    expect(line(mapOf(done, second), queue)).toBe("Waits for room: 20 of 20 run");
    const paused = create(QueueSchema, { paused: true });
    expect(line(mapOf(done, second), paused)).toBe("Waits: the queue is paused");
    expect(line(mapOf(second))).toBe("Waits for the jobs");
  });

  it("an end without a message says its reason", () => {
    const over = job("a", Job_State.TIMED_OUT, { endReason: Job_EndReason.OUTPUT_TIMEOUT });
    expect(rowsOf(mapOf(over), new Map())[0]?.line).toMatch(/printed nothing/);
  });

  it("the agent's state wins where it knows better", () => {
    const running = job("a", Job_State.RUNNING, { agentId: "x" });
    expect(rowsOf(mapOf(running), mapOf(agent("x", "a", Agent_State.UNREACHABLE)))[0]?.state.word).toBe(
      "Unreachable",
    );
    expect(rowsOf(mapOf(running), mapOf(agent("x", "a", Agent_State.STARTING)))[0]?.state.word).toBe(
      "Starting",
    );
    expect(rowsOf(mapOf(running), mapOf(agent("x", "a", Agent_State.RUNNING)))[0]?.state.word).toBe(
      "Running",
    );
  });

  it("an agent whose job is unknown has a row, its newest attempt only", () => {
    const rows = rowsOf(
      new Map(),
      mapOf(agent("x", "a", Agent_State.LOST), agent("y", "a", Agent_State.RUNNING, { attempt: 2 })),
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ attempt: 2, group: "running" });
  });

  it("filters by state and by every word", () => {
    const rows = rowsOf(
      mapOf(
        job("lint", Job_State.RUNNING, { labels: { team: "web" } }),
        job("build", Job_State.FAILED),
        job("deploy", Job_State.QUEUED),
        job("ask", Job_State.INPUT_REQUIRED),
        job("gone", Job_State.CANCELLED),
      ),
      new Map(),
    );
    const names = (filter: Parameters<typeof filterRows>[1], text = "") =>
      filterRows(rows, filter, text).map((row) => row.name);
    expect(names("running")).toEqual(["ask", "lint"]);
    expect(names("input")).toEqual(["ask"]);
    expect(names("waiting")).toEqual(["deploy"]);
    expect(names("ended")).toEqual(["gone", "build"]);
    expect(names("failed")).toEqual(["build"]);
    expect(names("all", "TEAM=web running")).toEqual(["lint"]);
    expect(names("all", "run nothing")).toEqual([]);
    expect(countRows(rows)).toEqual({ all: 5, running: 2, waiting: 1, input: 1, ended: 2, failed: 1 });
  });
});

describe("trees", () => {
  it("a job stands below what it depends on and names the others", () => {
    const a = job("a", Job_State.SUCCEEDED);
    const b = job("b", Job_State.RUNNING, { dependsOn: [a.id] });
    const c = job("c", Job_State.QUEUED, { dependsOn: [a.id, b.id] });
    const alone = job("alone", Job_State.QUEUED);
    const d = job("d", Job_State.QUEUED, { dependsOn: [a.id] });
    const items = treeOf(mapOf(a, b, c, alone, d));
    expect(items.map((item) => [item.job.name, item.depth])).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 2],
      ["d", 1],
      ["alone", 0],
    ]);
    expect(items[2]?.alsoAfter.map((other) => other.name)).toEqual(["a"]);
  });

  it("tells what comes before and after", () => {
    const a = job("a", Job_State.SUCCEEDED);
    const b = job("b", Job_State.RUNNING, { dependsOn: [a.id] });
    const c = job("c", Job_State.QUEUED, { dependsOn: [b.id, "job-forgotten"] });
    const jobs = mapOf(a, b, c);
    expect(upstream(c, jobs).map((one) => [one.id, one.distance])).toEqual([
      ["job-a", 2],
      ["job-forgotten", 1],
      ["job-b", 1],
    ]);
    expect(downstream(a, jobs).map((one) => one.job?.name)).toEqual(["b", "c"]);
  });

  it("has every job once, whatever the dependencies are, and ends", () => {
    const graph = fc.array(fc.array(fc.nat(12), { maxLength: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(graph, (edges) => {
        const all = edges.map((to, index) =>
          job(`n${index}`, Job_State.QUEUED, { dependsOn: to.map((n) => `job-n${n}`) }),
        );
        const items = treeOf(mapOf(...all));
        const roots = items.filter((item) => item.depth === 0);
        // Those in a circle, which the server does not make, have no root and are left out; nothing is there twice.
        expect(new Set(items.map((item) => item.job.id)).size).toBe(items.length);
        expect(roots.length === 0 ? items.length : 0).toBe(0);
        const acyclic = edges.every((to, index) => to.every((n) => n < index));
        if (acyclic) {
          expect(items).toHaveLength(all.length);
        }
        for (const one of all) {
          upstream(one, mapOf(...all));
          downstream(one, mapOf(...all));
        }
      }),
    );
  });
});
