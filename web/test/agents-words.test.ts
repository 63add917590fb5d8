// Checks the words for states, exits and times.

import { create } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durationMs, durationWords, msOf, parseSpan, spanOf, spanText } from "../src/agents/time.ts";
import {
  agentWords,
  bytesWords,
  countWords,
  endReasonWords,
  endWords,
  exitWords,
  firstLine,
  jobSentence,
  jobWords,
  keeperWords,
} from "../src/agents/words.ts";
import {
  Agent_State,
  Job_EndReason,
  Job_State,
} from "../src/api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import {
  Exit_Reason,
  ExitSchema,
  Limit_Enforcement,
  LimitSchema,
} from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";

/** The numbers of a TypeScript enum. */
function numbers(of: object): number[] {
  return Object.values(of).filter((value) => typeof value === "number");
}

const exit = (reason: Exit_Reason, code?: number, signal?: number, signalName = "") =>
  create(ExitSchema, { reason, code, signal, signalName });

describe("states", () => {
  it("each has a word of its own, a tone and an icon", () => {
    const words = numbers(Job_State)
      .filter((state) => state !== Job_State.UNSPECIFIED)
      .map((state) => jobWords(state));
    expect(new Set(words.map(({ word }) => word)).size).toBe(words.length);
    expect(new Set(words.map(({ icon }) => icon)).size).toBe(words.length);
    for (const state of numbers(Job_State).filter(Boolean)) {
      expect(jobSentence(state)).toMatch(/\.$/);
    }
    for (const state of numbers(Agent_State)) {
      expect(agentWords(state).word).not.toBe("");
    }
  });

  it("a state of a newer server is unknown and no error", () => {
    expect(jobWords(99 as Job_State).word).toBe("Unknown");
    expect(agentWords(99 as Agent_State).word).toBe("Unknown");
    expect(endReasonWords(99 as Job_EndReason)).toMatch(/does not know/);
    expect(jobSentence(99 as Job_State)).toBe("");
  });

  it("every reason has words", () => {
    for (const reason of numbers(Job_EndReason).filter(Boolean)) {
      expect(endReasonWords(reason)).not.toBe("");
    }
  });

  it("an agent that has ended says how", () => {
    expect(agentWords(Agent_State.EXITED, exit(Exit_Reason.EXITED, 0))).toMatchObject({
      word: "Exited 0",
      tone: "good",
    });
    expect(agentWords(Agent_State.EXITED, exit(Exit_Reason.EXITED, 3))).toMatchObject({
      word: "Exited 3",
      tone: "bad",
    });
    expect(agentWords(Agent_State.EXITED, exit(Exit_Reason.CLOSED, undefined, 1, "SIGHUP"))).toMatchObject({
      word: "Ended",
    });
    expect(agentWords(Agent_State.EXITED, exit(Exit_Reason.EXITED, undefined, 9, "SIGKILL"))).toMatchObject({
      word: "SIGKILL",
    });
    expect(agentWords(Agent_State.EXITED, exit(Exit_Reason.TIME_LIMIT)).word).toBe("Timed out");
    expect(agentWords(Agent_State.EXITED).word).toBe("Ended");
  });
});

describe("exits", () => {
  it("are told with their code or signal", () => {
    expect(exitWords(exit(Exit_Reason.EXITED, 3))).toBe("exited with 3");
    expect(exitWords(exit(Exit_Reason.EXITED, undefined, 11, "SIGSEGV"))).toBe("was ended by SIGSEGV");
    expect(exitWords(exit(Exit_Reason.EXITED, undefined, 40))).toBe("was ended by signal 40");
    expect(exitWords(exit(Exit_Reason.CLOSED, undefined, 15, "SIGTERM"))).toBe("was ended: SIGTERM");
    expect(exitWords(exit(Exit_Reason.UNKNOWN))).toBe("ended, and nobody knows how");
    for (const reason of numbers(Exit_Reason)) {
      expect(exitWords(exit(reason))).not.toBe("");
    }
  });
});

describe("why a job is over", () => {
  const of = (state: Job_State, endReason: Job_EndReason, message: string) =>
    endWords({ state, endReason, message });

  it("quotes a person and repeats the server", () => {
    expect(of(Job_State.CANCELLED, Job_EndReason.KILLED, "wrong branch")).toBe("Killed: “wrong branch”");
    expect(of(Job_State.CANCELLED, Job_EndReason.CANCELLED, "by ana")).toBe("Cancelled by ana");
    expect(of(Job_State.CANCELLED, Job_EndReason.KILL_SWITCH, "")).toBe("Everything was killed");
    expect(of(Job_State.FAILED, Job_EndReason.EXITED, "the program exited with 3")).toBe(
      "The program exited with 3",
    );
    expect(of(Job_State.LOST, Job_EndReason.LOST, "")).toBe("Its machine went away");
  });
});

describe("limits", () => {
  it("one that nobody keeps says so", () => {
    const limit = (enforcement: Limit_Enforcement) => create(LimitSchema, { max: 1n, enforcement });
    expect(keeperWords(limit(Limit_Enforcement.UNENFORCED))).toMatchObject({ kept: false });
    expect(keeperWords(limit(Limit_Enforcement.CGROUP_V2)).kept).toBe(true);
  });
});

describe("numbers", () => {
  it("durations have two units at most", () => {
    expect(durationWords(0)).toBe("0 s");
    expect(durationWords(40)).toBe("0.1 s");
    expect(durationWords(990)).toBe("0.9 s");
    expect(durationWords(59_999)).toBe("59 s");
    expect(durationWords(65_000)).toBe("1 min 5 s");
    expect(durationWords(7_385_000)).toBe("2 h 3 min");
    expect(durationWords(273_600_000)).toBe("3 d 4 h");
    expect(durationWords(-5)).toBe("0 s");
    expect(durationWords(Number.NaN)).toBe("0 s");
    expect(durationWords(5900)).toBe("5 s");
  });

  it("spans are read as people write them", () => {
    expect(parseSpan("30s")).toBe(30_000);
    expect(parseSpan(" 1h 30m ")).toBe(5_400_000);
    expect(parseSpan("1.5h")).toBe(5_400_000);
    expect(parseSpan("90")).toBe(90_000);
    expect(parseSpan("2 d")).toBe(172_800_000);
    expect(parseSpan("250ms")).toBe(250);
    for (const wrong of ["", "soon", "5 minutes", "-1s", "1e3", "s"]) {
      expect(parseSpan(wrong)).toBeUndefined();
    }
  });

  it("a span comes back from the server as it was", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 31 * 86_400_000 }), (ms) => {
        expect(durationMs(create(DurationSchema, spanOf(ms)))).toBe(ms);
        expect(parseSpan(spanText(ms))).toBe(ms);
      }),
    );
  });

  it("times, bytes and counts", () => {
    expect(msOf(create(TimestampSchema, { seconds: 5n, nanos: 250_000_000 }))).toBe(5250);
    expect(msOf(undefined)).toBeUndefined();
    expect(bytesWords(512n)).toBe("512 B");
    expect(bytesWords(536_870_912n)).toBe("512 MiB");
    expect(bytesWords(1_610_612_736n)).toBe("1.5 GiB");
    expect(countWords(1, "job")).toBe("1 job");
    expect(countWords(0, "job")).toBe("0 jobs");
    expect(firstLine("\n\n  make test \nmore")).toBe("make test");
  });
});
