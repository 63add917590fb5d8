// Times, spans and counts in words.

import { expect, test } from "vitest";
import { countText, durationText, millisOf, relativeTime } from "../src/ui/format.ts";

test("instants of every kind", () => {
  expect(millisOf({ seconds: 12n, nanos: 345_999_999 })).toBe(12_345);
  expect(millisOf(new Date(5))).toBe(5);
  expect(millisOf(7)).toBe(7);
});

test("times", () => {
  const now = Date.UTC(2026, 2, 31, 12);
  const ago = (seconds: number) => relativeTime(now - seconds * 1000, now);
  expect(ago(3)).toBe("just now");
  expect(ago(50)).toBe("1 min ago");
  expect(ago(59 * 60)).toBe("59 min ago");
  expect(ago(3600)).toBe("1 h ago");
  expect(ago(23.6 * 3600)).toBe("1 d ago");
  expect(ago(-3600 * 5)).toBe("in 5 h");
  expect(ago(-20)).toBe("in a moment");
  expect(ago(-0.5)).toBe("just now");
  expect(ago(9 * 86400)).toMatch(/22/);
});

test("spans", () => {
  expect(durationText(-5)).toBe("0.0 s");
  expect(durationText(420)).toBe("0.4 s");
  expect(durationText(12_900)).toBe("12 s");
  expect(durationText(185_000)).toBe("3 min 5 s");
  expect(durationText(7_200_000)).toBe("2 h");
  expect(durationText(100 * 3_600_000)).toBe("4 d 4 h");
});

test("counts", () => {
  expect(countText(0)).toBe("0");
  expect(countText(999n)).toBe("999");
  expect(countText(1_250n)).toBe("1.2 k");
  expect(countText(34_567)).toBe("34 k");
  expect(countText(10_000_000n)).toBe("10 M");
  expect(countText(2_000_000_000n)).toBe("2 G");
});
