// The usage as a chart and tables need it: days in their order, models with their sums. It must not know how it is
// drawn.

import type { DayUsage } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";

/** What of a day's tokens is looked at. */
export type Measure = "all" | "input" | "output";

/** A day with the tokens of each model, in the order of `models`. */
export interface Day {
  /** "2026-03-31", in UTC. */
  day: string;
  tokens: number[];
  total: number;
}

export interface ModelSum {
  /** "provider/model", or OTHERS. */
  model: string;
  input: bigint;
  output: bigint;
  cached: bigint;
  thinking: bigint;
  attempts: bigint;
  estimated: bigint;
}

export interface Summary {
  /** Oldest first, every day of the span, also those without any. */
  days: Day[];
  /** Most used first; what the chart has no colour for is joined into OTHERS. */
  models: ModelSum[];
  all: ModelSum;
}

export const OTHERS = "others";
/** As many colours as a person can tell apart. */
export const MODELS_MAX = 6;

export function summarize(usage: readonly DayUsage[], days: number, measure: Measure, today: Date): Summary {
  const span = daysUntil(today, days);
  const within = usage.filter((each) => span.includes(each.day));
  const sums = new Map<string, ModelSum>();
  const all = empty("all");
  for (const each of within) {
    add(sumFor(sums, each.model), each);
    add(all, each);
  }
  const models = joined([...sums.values()].sort((a, b) => Number(sizeOf(b, measure) - sizeOf(a, measure))));
  const column = new Map(models.map(({ model }, at) => [model, at]));
  const rest = column.get(OTHERS) ?? 0;
  const table = new Map(span.map((day) => [day, new Array<number>(models.length).fill(0)]));
  for (const each of within) {
    const tokens = table.get(each.day);
    const at = column.get(each.model) ?? rest;
    if (tokens) tokens[at] = (tokens[at] ?? 0) + Number(sizeOf(each, measure));
  }
  const rows = [...table].map(([day, tokens]) => ({
    day,
    tokens,
    total: tokens.reduce((sum, count) => sum + count, 0),
  }));
  return { days: rows, models, all };
}

/** The last days in UTC, oldest first, with today. */
export function daysUntil(today: Date, count: number): string[] {
  const end = Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate());
  return Array.from({ length: count }, (_, at) =>
    new Date(end - (count - 1 - at) * 86_400_000).toISOString().slice(0, 10),
  );
}

export function sizeOf(sum: { input: bigint; output: bigint }, measure: Measure): bigint {
  if (measure === "input") return sum.input;
  return measure === "output" ? sum.output : sum.input + sum.output;
}

function joined(sums: ModelSum[]): ModelSum[] {
  if (sums.length <= MODELS_MAX) return sums;
  const others = empty(OTHERS);
  for (const each of sums.slice(MODELS_MAX - 1)) {
    others.input += each.input;
    others.output += each.output;
    others.cached += each.cached;
    others.thinking += each.thinking;
    others.attempts += each.attempts;
    others.estimated += each.estimated;
  }
  return [...sums.slice(0, MODELS_MAX - 1), others];
}

function sumFor(sums: Map<string, ModelSum>, model: string): ModelSum {
  const known = sums.get(model) ?? empty(model);
  sums.set(model, known);
  return known;
}

function empty(model: string): ModelSum {
  return { model, input: 0n, output: 0n, cached: 0n, thinking: 0n, attempts: 0n, estimated: 0n };
}

function add(sum: ModelSum, usage: DayUsage): void {
  sum.input += usage.input;
  sum.output += usage.output;
  sum.cached += usage.cached;
  sum.thinking += usage.thinking;
  sum.attempts += usage.attempts;
  sum.estimated += usage.estimatedAttempts;
}
