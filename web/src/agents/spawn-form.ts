// The form for a new job: its fields as typed, the request that they make, and which field a refusal is about.
//
// It must not know how the form is drawn, nor how the request is sent.

import { create } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import type { Failure } from "../api/failure.ts";
import {
  type Job,
  Profile_Kind,
  type SpawnAgentRequest,
  SpawnAgentRequestSchema,
} from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { durationMs, parseSpan, spanOf, spanText } from "./time.ts";
import { capital } from "./words.ts";

export interface Pair {
  name: string;
  value: string;
}

export interface SpawnForm {
  profile: string;
  prompt: string;
  name: string;
  cwd: string;
  env: readonly Pair[];
  repository: string;
  base: string;
  dependsOn: readonly string[];
  /** What was typed to find such a job, and is none yet. */
  dependsOnText: string;
  priority: string;
  attempts: string;
  backoff: string;
  queuedTimeout: string;
  timeout: string;
  outputTimeout: string;
  tokenBudget: string;
  labels: readonly Pair[];
  rerunWhenLost: boolean;
}

export type SpawnField = keyof SpawnForm;
export type SpawnErrors = Partial<Record<SpawnField, string>>;

export const EMPTY_FORM: SpawnForm = {
  profile: "",
  prompt: "",
  name: "",
  cwd: "",
  env: [],
  repository: "",
  base: "",
  dependsOn: [],
  dependsOnText: "",
  priority: "",
  attempts: "",
  backoff: "",
  queuedTimeout: "",
  timeout: "",
  outputTimeout: "",
  tokenBudget: "",
  labels: [],
  rerunWhenLost: false,
};

export const DEPENDENCIES_MAX = 100;
export const LABELS_MAX = 32;

/** The fields under "More": an error in one of them opens it. */
export const MORE_FIELDS: readonly SpawnField[] = [
  "priority",
  "attempts",
  "backoff",
  "queuedTimeout",
  "timeout",
  "outputTimeout",
  "tokenBudget",
  "labels",
  "env",
  "rerunWhenLost",
];

const SPAN_HINT = "A time such as 30s, 5m or 2h";

type SpanField = "backoff" | "queuedTimeout" | "timeout" | "outputTimeout";

/** The request, or what is wrong with the fields. What the server can tell better, it is asked. */
export function requestOf(
  form: SpawnForm,
  requestId: string,
  kind?: Profile_Kind,
): { request: SpawnAgentRequest } | { errors: SpawnErrors } {
  const errors: SpawnErrors = {};
  // A program that somebody sits down at needs to be told nothing.
  if (!form.prompt.trim() && kind !== Profile_Kind.TUI) {
    errors.prompt = "Say what to do";
  }
  const span = (field: SpanField) => {
    const text = form[field];
    if (!text.trim()) {
      return undefined;
    }
    const ms = parseSpan(text);
    if (ms === undefined) {
      errors[field] = SPAN_HINT;
      return undefined;
    }
    return create(DurationSchema, spanOf(ms));
  };
  const number = (field: "priority" | "attempts", most: number) => {
    const text = form[field].trim();
    if (!text) {
      return undefined;
    }
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > most) {
      errors[field] = `A number from 1 to ${most}`;
    }
    return value;
  };
  const pairs = (field: "env" | "labels") => {
    const map: Record<string, string> = Object.create(null) as Record<string, string>;
    for (const { name, value } of form[field]) {
      if (name.trim() in map) {
        errors[field] = `${name.trim()} is there twice`;
      } else if (name.trim()) {
        map[name.trim()] = value;
      } else if (value) {
        errors[field] = "A value needs a name";
      }
    }
    return map;
  };
  const budget = form.tokenBudget.trim();
  if (budget && !/^\d{1,18}$/.test(budget)) {
    errors.tokenBudget = "A number of tokens";
  }
  const noJob = noJobWords(form.dependsOnText);
  if (noJob) {
    errors.dependsOnText = noJob;
  }
  if (form.base.trim() && !form.repository.trim()) {
    errors.base = "A base needs a repository";
  }
  const request = create(SpawnAgentRequestSchema, {
    requestId,
    profile: form.profile,
    prompt: form.prompt,
    name: form.name.trim(),
    cwd: form.cwd.trim(),
    env: pairs("env"),
    repository: form.repository.trim(),
    base: form.base.trim(),
    dependsOn: [...form.dependsOn],
    priority: number("priority", 10),
    attempts: number("attempts", 20),
    backoff: span("backoff"),
    queuedTimeout: span("queuedTimeout"),
    timeout: span("timeout"),
    outputTimeout: span("outputTimeout"),
    rerunWhenLost: form.rerunWhenLost,
    tokenBudget: budget && !errors.tokenBudget ? BigInt(budget) : 0n,
    labels: pairs("labels"),
  });
  return Object.keys(errors).length > 0 ? { errors } : { request };
}

/** What is wrong with a text that should be a job; undefined: there is none. */
export function noJobWords(text: string): string | undefined {
  const name = text.trim();
  return name ? `There is no job “${name}”. Choose one from the list, or clear the field.` : undefined;
}

/** The form once somebody is done with its text for a job: the whole name of one is that job. `offered`: best first. */
export function settled(form: SpawnForm, offered: readonly Pick<Job, "id" | "name">[]): SpawnForm {
  const name = form.dependsOnText.trim().toLowerCase();
  const job = name ? offered.find((job) => job.name.toLowerCase() === name) : undefined;
  if (!job) {
    return form;
  }
  const dependsOn = [...new Set([...form.dependsOn, job.id])].slice(0, DEPENDENCIES_MAX);
  return { ...form, dependsOn, dependsOnText: "" };
}

/** The form that would make a job like this one. Its environment is not told, and its name is taken. */
export function formOf(job: Job): Partial<SpawnForm> {
  const span = (duration: Job["timeout"]) => {
    const ms = durationMs(duration);
    return ms === undefined ? "" : spanText(ms);
  };
  return {
    profile: job.profile,
    prompt: job.prompt,
    cwd: job.cwd,
    repository: job.repository,
    base: job.base,
    dependsOn: [...job.dependsOn],
    priority: job.priority === 5 ? "" : String(job.priority),
    attempts: job.attemptsMax > 1 ? String(job.attemptsMax) : "",
    queuedTimeout: span(job.queuedTimeout),
    timeout: span(job.timeout),
    outputTimeout: span(job.outputTimeout),
    tokenBudget: job.tokenBudget > 0n ? String(job.tokenBudget) : "",
    labels: Object.entries(job.labels).map(([name, value]) => ({ name, value })),
    rerunWhenLost: job.rerunWhenLost,
  };
}

/** What proto calls the fields. */
const FIELD: Readonly<Record<string, SpawnField>> = {
  profile: "profile",
  prompt: "prompt",
  name: "name",
  cwd: "cwd",
  env: "env",
  repository: "repository",
  base: "base",
  depends_on: "dependsOn",
  priority: "priority",
  attempts: "attempts",
  backoff: "backoff",
  queued_timeout: "queuedTimeout",
  timeout: "timeout",
  output_timeout: "outputTimeout",
  rerun_when_lost: "rerunWhenLost",
  token_budget: "tokenBudget",
  labels: "labels",
};

const REASON_FIELD: Readonly<Record<string, SpawnField>> = {
  PROFILE_NOT_FOUND: "profile",
  PROFILE_UNAVAILABLE: "profile",
  JOB_NOT_FOUND: "dependsOn",
  DEPENDENCY_FAILED: "dependsOn",
  DEPENDENCY_CYCLE: "dependsOn",
  COMMAND_NOT_FOUND: "prompt",
  CWD_NOT_FOUND: "cwd",
  CWD_NOT_ACCESSIBLE: "cwd",
  REPOSITORY_NOT_FOUND: "repository",
  BASE_NOT_FOUND: "base",
  NAME_TAKEN: "name",
};

/** The server's refusal beside the fields that it is about; undefined if it is about none of them. */
export function fieldErrorsOf(failure: Failure): SpawnErrors | undefined {
  const errors: SpawnErrors = {};
  for (const { field, description } of failure.fields ?? []) {
    const known = FIELD[field.replace(/[.[].*$/, "")];
    if (known) {
      errors[known] ??= capital(description);
    }
  }
  const field = REASON_FIELD[failure.reason];
  if (field) {
    errors[field] ??= capital(failure.message);
  }
  return Object.keys(errors).length > 0 ? errors : undefined;
}

/** One request id for as long as the form stays the same: sent twice, it spawns once. */
export class RequestIds {
  #form: string | undefined;
  #id = "";

  constructor(private readonly make: () => string) {}

  idFor(form: unknown): string {
    const text = JSON.stringify(form);
    if (this.#form !== text) {
      this.#form = text;
      this.#id = this.make();
    }
    return this.#id;
  }

  /** It was done: the same once more is a new one. */
  done(): void {
    this.#form = undefined;
  }
}
