// How a session sees its connection, and how sessions share the few that a browser has.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { failure } from "../src/api/failure.ts";
import { Link, pauseMs, type Tried } from "../src/hub/link.ts";
import { Places } from "../src/hub/places.ts";
import type { Release } from "../src/hub/turns.ts";

const cut = failure("UNREACHABLE", "unavailable", "cut", true);
const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function line(): Tried {
  return { failures: 0 };
}

describe("the pause before the next attempt", () => {
  it("grows from a quarter of a second to five, and differs", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, luck) => {
          const ms = pauseMs(failures, luck);
          expect(ms).toBeGreaterThanOrEqual(125);
          expect(ms).toBeLessThanOrEqual(5_000);
          expect(pauseMs(failures + 1, luck)).toBeGreaterThanOrEqual(ms);
        },
      ),
    );
    expect([pauseMs(1, 1), pauseMs(2, 1), pauseMs(3, 1), pauseMs(9, 1)]).toEqual([250, 500, 1_000, 5_000]);
  });
});

describe("the link", () => {
  it("is lost as long as one stream is, and one that comes back brings back the others at once", async () => {
    const states: string[] = [];
    const link = new Link(({ state }) => states.push(state));
    const [one, other] = [line(), line()];
    link.ok(one);
    link.ok(other);
    const again: string[] = [];
    void link.failed(one, { ...cut, retryAfterMs: 50 }, never).then(() => again.push("one"));
    void link.failed(other, { ...cut, retryAfterMs: 60_000 }, never).then(() => again.push("other"));
    await vi.advanceTimersByTimeAsync(60);
    expect(again).toEqual(["one"]);
    link.ok(one);
    expect(link.connection.state).toBe("lost");
    await vi.advanceTimersByTimeAsync(0);
    expect(again).toEqual(["one", "other"]);
    link.ok(other);
    expect(link.connection.state).toBe("online");
    expect(states[0]).toBe("online");
  });

  it("calls a server that said so restarting, until all streams are back", async () => {
    const link = new Link(() => {});
    const [one, other] = [line(), line()];
    link.restarting();
    void link.failed(one, cut, never);
    void link.failed(other, cut, never);
    expect(link.connection.state).toBe("restarting");
    link.ok(one);
    expect(link.connection.state).toBe("restarting");
    link.ok(other);
    expect(link.connection.state).toBe("online");
    void link.failed(one, cut, never);
    expect(link.connection.state).toBe("lost");
    await vi.advanceTimersByTimeAsync(0);
  });

  it("tries no more when the token is refused, until it is used anew", async () => {
    const link = new Link(() => {});
    const refused = failure("TOKEN_EXPIRED", "unauthenticated", "expired");
    expect(await link.failed(line(), refused, never)).toBe(false);
    expect(link.connection).toEqual({ state: "refused", why: refused });
    link.ok(line());
    expect(link.connection.state).toBe("refused");
    link.reset();
    expect(link.connection.state).toBe("connecting");
  });

  it("tries at once when somebody has a reason to hope", async () => {
    const link = new Link(() => {});
    let tried = false;
    void link.failed(line(), { ...cut, retryAfterMs: 60_000 }, never).then((again) => {
      tried = again;
    });
    link.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(tried).toBe(true);
  });
});

describe("the places of an origin", () => {
  it("are never more than there are, and everybody who waits has one again and again", async () => {
    const places = new Places(3);
    const turns = new Map<number, number>();
    let held = 0;
    const live = async (who: number) => {
      for (;;) {
        let release: Release = () => {};
        await new Promise<void>((wanted) => {
          void places.take(never, wanted).then((got) => {
            release = got;
            held += 1;
            turns.set(who, (turns.get(who) ?? 0) + 1);
            expect(held).toBeLessThanOrEqual(3);
          });
        });
        held -= 1;
        release();
      }
    };
    for (let who = 0; who < 6; who++) {
      void live(who);
    }
    await vi.advanceTimersByTimeAsync(60_000);
    for (let who = 0; who < 6; who++) {
      expect(turns.get(who)).toBeGreaterThanOrEqual(8);
    }
  });

  it("are left alone while nobody waits", async () => {
    const places = new Places(3);
    let asked = 0;
    const releases: Release[] = [];
    for (let at = 0; at < 3; at++) {
      releases.push(await places.take(never, () => asked++));
    }
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(0);
    const waiting = new AbortController();
    const gaveUp = places.take(waiting.signal, () => {}).catch(() => "gave up");
    waiting.abort();
    expect(await gaveUp).toBe("gave up");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(0);
    releases[0]?.();
    await places.take(never, () => {});
  });
});
