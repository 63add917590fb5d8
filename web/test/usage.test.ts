// That the usage's sums are right, for every day and however many models there are; and what is said of tokens.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DayUsageSchema,
  TokenSchema,
  WhoAmIResponseSchema,
} from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { nameProblem, reachOf, standingOf } from "../src/tokens/words.ts";
import { daysUntil, MODELS_MAX, OTHERS, summarize } from "../src/usage/summary.ts";

const today = new Date("2026-03-31T23:59:00Z");
const of = (day: string, model: string, input: number, output: number) =>
  create(DayUsageSchema, { day, model, input: BigInt(input), output: BigInt(output), attempts: 1n });

describe("usage", () => {
  test("days are those of UTC, with today, oldest first", () => {
    expect(daysUntil(new Date("2026-03-01T00:30:00Z"), 3)).toEqual([
      "2026-02-27",
      "2026-02-28",
      "2026-03-01",
    ]);
  });

  test("each day has each model's tokens, the most used model first", () => {
    const usage = [
      of("2026-03-31", "a/x", 10, 5),
      of("2026-03-31", "b/y", 1, 1),
      of("2026-03-30", "b/y", 100, 0),
    ];
    const { days, models, all } = summarize(usage, 3, "all", today);
    expect(models.map(({ model }) => model)).toEqual(["b/y", "a/x"]);
    expect(days).toEqual([
      { day: "2026-03-29", tokens: [0, 0], total: 0 },
      { day: "2026-03-30", tokens: [100, 0], total: 100 },
      { day: "2026-03-31", tokens: [2, 15], total: 17 },
    ]);
    expect([all.input, all.output, all.attempts]).toEqual([111n, 6n, 3n]);
    expect(summarize(usage, 3, "output", today).days.at(-1)?.total).toBe(6);
    // What lies before the span does not count.
    expect(summarize(usage, 1, "all", today).all.input).toBe(11n);
  });

  test("nothing is lost when models are joined", () => {
    const row = fc.record({ day: fc.constantFrom("30", "31"), model: fc.nat(12), tokens: fc.nat(1000) });
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const usage = rows.map(({ day, model, tokens }) => of(`2026-03-${day}`, `m/${model}`, tokens, 0));
        const { days, models, all } = summarize(usage, 7, "all", today);
        expect(models.length).toBeLessThanOrEqual(MODELS_MAX);
        expect(days.reduce((sum, day) => sum + day.total, 0)).toBe(Number(all.input));
        expect(models.reduce((sum, model) => sum + model.input, 0n)).toBe(all.input);
        if (models.length === MODELS_MAX && new Set(rows.map(({ model }) => model)).size > MODELS_MAX)
          expect(models.at(-1)?.model).toBe(OTHERS);
      }),
    );
  });
});

describe("tokens", () => {
  const me = create(WhoAmIResponseSchema, { sharesAccount: true, shellUser: "ada" });

  test("what one can do is said plainly", () => {
    expect(reachOf({ role: "member", readOnly: false, terminal: "" }, me)).toContain("equals that account");
    expect(
      reachOf({ role: "member", readOnly: false, terminal: "" }, { ...me, sharesAccount: false }),
    ).toContain("any command on the server's machine as ada");
    expect(reachOf({ role: "admin", readOnly: false, terminal: "x" }, me)).toContain("that terminal");
    expect(reachOf({ role: "viewer", readOnly: false, terminal: "" }, me)).toBeUndefined();
    expect(reachOf({ role: "admin", readOnly: true, terminal: "" }, me)).toBeUndefined();
  });

  test("revoked, expired, working", () => {
    const at = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });
    const token = (change: object) => create(TokenSchema, change);
    expect(standingOf(token({}), 5_000)).toBe("works");
    expect(standingOf(token({ expireTime: at(6) }), 5_000)).toBe("works");
    expect(standingOf(token({ expireTime: at(5) }), 5_000)).toBe("expired");
    expect(standingOf(token({ expireTime: at(5), revokeTime: at(1) }), 5_000)).toBe("revoked");
  });

  test("names", () => {
    expect(nameProblem("CI")).toBeUndefined();
    expect(nameProblem("  ")).toBeDefined();
    expect(nameProblem("a\nb")).toBeDefined();
    expect(nameProblem("é".repeat(65))).toBeDefined();
  });
});
