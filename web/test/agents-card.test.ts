// Checks which commands a card offers, and the polls behind live cards.

import { describe, expect, it, vi } from "vitest";
import { candidateCommand, isDangerous } from "../src/agents/card-commands.ts";
import { mayOf } from "../src/agents/may.ts";
import { Poll } from "../src/agents/poll.ts";
import { Role } from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";

describe("commands of a card", () => {
  it("are whole, or are not offered", () => {
    expect(candidateCommand("", "/agents")).toBe("/agents");
    expect(candidateCommand("", "/spawn")).toBe("/help spawn");
    expect(candidateCommand("kill", "tests-1")).toBe("/kill tests-1");
    expect(candidateCommand("status", "my tests")).toBe("/status 'my tests'");
    expect(candidateCommand("logs", "it's")).toBe(`/logs 'it'"'"'s'`);
    expect(candidateCommand("send", "tests-1")).toBeUndefined();
  });

  it("that end something are known", () => {
    expect(["/kill x", "/k x", "/kil all", "/kill"].every(isDangerous)).toBe(true);
    expect(["/killer", "/status kill", "kill x", "/spawn kill"].some(isDangerous)).toBe(false);
  });
});

describe("what a role may do", () => {
  it("is told with the reason", () => {
    expect(mayOf(Role.VIEWER)).toMatchObject({ act: false, killAll: false });
    expect(mayOf(Role.VIEWER).why).toMatch(/viewer/);
    expect(mayOf(Role.MEMBER)).toMatchObject({ act: true, killAll: false });
    expect(mayOf(Role.ADMIN)).toEqual({ act: true, killAll: true, why: "" });
    expect(mayOf(Role.OPERATOR).killAll).toBe(true);
  });
});

describe("a poll", () => {
  it("asks while somebody looks, one call at a time, and not while hidden", async () => {
    vi.useFakeTimers();
    let asked = 0;
    let visible = true;
    const poll = new Poll({ first: 0, everyMs: 1000, ask: async () => ++asked, isVisible: () => visible });
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toBe(0);
    const seen: number[] = [];
    const leave = poll.subscribe(() => seen.push(poll.get()));
    const leaveToo = poll.subscribe(() => {});
    await vi.advanceTimersByTimeAsync(3500);
    expect(asked).toBe(4);
    expect(seen).toEqual([1, 2, 3, 4]);
    visible = false;
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toBe(4);
    visible = true;
    leave();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toBe(5);
    leaveToo();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toBe(5);
    vi.useRealTimers();
  });

  it("asks less often while it fails, and keeps what it knew", async () => {
    vi.useFakeTimers();
    let asked = 0;
    const poll = new Poll<number>({
      first: 7,
      everyMs: 1000,
      ask: async () => {
        asked += 1;
        throw new Error("down");
      },
    });
    const leave = poll.subscribe(() => {});
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBeLessThan(8);
    expect(poll.get()).toBe(7);
    leave();
    vi.useRealTimers();
  });

  it("begins again at once when somebody looks again while a call is under way, and asks only once at a time", async () => {
    vi.useFakeTimers();
    let under = 0;
    let most = 0;
    const poll = new Poll({
      first: 0,
      everyMs: 1000,
      ask: async () => {
        under += 1;
        most = Math.max(most, under);
        await new Promise((resolve) => setTimeout(resolve, 500));
        under -= 1;
        return 1;
      },
    });
    for (let round = 0; round < 20; round += 1) {
      const leave = poll.subscribe(() => {});
      await vi.advanceTimersByTimeAsync(130);
      leave();
    }
    expect(most).toBe(1);
    const leave = poll.subscribe(() => {});
    await vi.advanceTimersByTimeAsync(5000);
    leave();
    expect(most).toBe(1);
    vi.useRealTimers();
  });
});
