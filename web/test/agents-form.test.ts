// Checks the form of a new job: its request, its errors, and that a retry is the same request.

import { describe, expect, it } from "vitest";
import {
  EMPTY_FORM,
  fieldErrorsOf,
  RequestIds,
  requestOf,
  type SpawnForm,
} from "../src/agents/spawn-form.ts";
import type { Failure } from "../src/api/failure.ts";

const form = (more: Partial<SpawnForm>): SpawnForm => ({ ...EMPTY_FORM, prompt: "make", ...more });

function requested(more: Partial<SpawnForm>) {
  const answer = requestOf(form(more), "id-1");
  if ("errors" in answer) {
    throw new Error(JSON.stringify(answer.errors));
  }
  return answer.request;
}

function errors(more: Partial<SpawnForm>) {
  const answer = requestOf(form(more), "id-1");
  return "errors" in answer ? answer.errors : {};
}

const refused = (reason: string, fields: Failure["fields"], message = "no"): Failure => ({
  reason,
  code: "invalid_argument",
  message,
  retryable: false,
  metadata: {},
  fields,
});

describe("the request", () => {
  it("is none while a job is named that there is not", () => {
    expect(errors({ dependsOnText: " nonsense" }).dependsOnText).toBe(
      "There is no job “nonsense”. Choose one from the list, or clear the field.",
    );
    expect(errors({ dependsOnText: "  " })).toEqual({});
  });

  it("leaves out what is empty", () => {
    const request = requested({});
    expect(request).toMatchObject({
      prompt: "make",
      requestId: "id-1",
      name: "",
      tokenBudget: 0n,
      labels: {},
    });
    expect(request.priority).toBeUndefined();
    expect(request.attempts).toBeUndefined();
    expect(request.timeout).toBeUndefined();
  });

  it("has every field", () => {
    const request = requested({
      name: " tests ",
      env: [
        { name: "A", value: " b " },
        { name: "", value: "" },
      ],
      labels: [{ name: "team", value: "web" }],
      priority: "10",
      attempts: "3",
      backoff: "0s",
      timeout: "10m",
      outputTimeout: "1.5s",
      queuedTimeout: "2d",
      tokenBudget: "100000",
      dependsOn: ["x"],
      repository: "/repo",
      base: "main",
      rerunWhenLost: true,
    });
    expect(request).toMatchObject({
      name: "tests",
      priority: 10,
      attempts: 3,
      tokenBudget: 100_000n,
      rerunWhenLost: true,
    });
    expect({ ...request.env }).toEqual({ A: " b " });
    expect(request.backoff?.seconds).toBe(0n);
    expect(request.timeout?.seconds).toBe(600n);
    expect(request.outputTimeout).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
    expect(request.queuedTimeout?.seconds).toBe(172_800n);
  });

  it("is not made of what cannot be right", () => {
    expect(errors({ prompt: "  " }).prompt).toBeDefined();
    expect(errors({ timeout: "soon" }).timeout).toBeDefined();
    expect(errors({ priority: "11" }).priority).toMatch(/1 to 10/);
    expect(errors({ attempts: "0" }).attempts).toBeDefined();
    expect(errors({ tokenBudget: "-1" }).tokenBudget).toBeDefined();
    expect(errors({ base: "main" }).base).toBeDefined();
    expect(errors({ env: [{ name: "", value: "x" }] }).env).toBeDefined();
    expect(
      errors({
        labels: [
          { name: "a", value: "1" },
          { name: "a", value: "2" },
        ],
      }).labels,
    ).toMatch(/twice/);
    expect(errors({ env: [{ name: "constructor", value: "x" }] })).toEqual({});
  });
});

describe("a refusal", () => {
  it("stands beside its field", () => {
    expect(
      fieldErrorsOf(refused("BAD_REQUEST", [{ field: "token_budget", description: "is not counted" }])),
    ).toEqual({
      tokenBudget: "Is not counted",
    });
    expect(
      fieldErrorsOf(refused("BAD_REQUEST", [{ field: "labels[team]", description: "is long" }])),
    ).toEqual({ labels: "Is long" });
    expect(fieldErrorsOf(refused("BAD_REQUEST", [{ field: "env.A", description: "is long" }]))).toEqual({
      env: "Is long",
    });
    expect(fieldErrorsOf(refused("CWD_NOT_FOUND", undefined, "there is none"))).toEqual({
      cwd: "There is none",
    });
    expect(fieldErrorsOf(refused("JOB_QUOTA", undefined))).toBeUndefined();
    expect(fieldErrorsOf(refused("BAD_REQUEST", [{ field: "cols", description: "is 0" }]))).toBeUndefined();
  });
});

describe("request ids", () => {
  it("stay for the same form and change with it", () => {
    let count = 0;
    const ids = new RequestIds(() => `id-${++count}`);
    expect(ids.idFor(form({}))).toBe("id-1");
    expect(ids.idFor(form({}))).toBe("id-1");
    expect(ids.idFor(form({ name: "x" }))).toBe("id-2");
    ids.done();
    expect(ids.idFor(form({ name: "x" }))).toBe("id-3");
  });
});
