// Times and durations of the server as numbers and short words. It must not know what they belong to.

import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { durationText } from "../ui/format.ts";

/** Milliseconds since 1970. */
export function msOf(time: Timestamp | undefined): number | undefined {
  return time && Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);
}

export function durationMs(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) * 1000 + Math.floor(duration.nanos / 1e6);
}

/** A span in words; from a second on without tenths, so that what ticks each second does not flicker. */
export function durationWords(ms: number): string {
  if (!Number.isFinite(ms) || ms < 1) {
    return "0 s";
  }
  return ms < 1000
    ? durationText(Math.max(ms, 100))
    : ms < 10_000
      ? `${Math.floor(ms / 1000)} s`
      : durationText(ms);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads "30s", "5m", "1h 30m", "1.5h", "2 d" or plain seconds, as milliseconds; undefined if it is none of these. */
export function parseSpan(text: string): number | undefined {
  const plain = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(plain)) {
    return Math.round(Number(plain) * 1000);
  }
  if (!/^(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$/.test(plain)) {
    return undefined;
  }
  let sum = 0;
  for (const [, number, unit] of plain.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g)) {
    sum += Number(number) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return Math.round(sum);
}

/** As short as it can be read back: "90s" is "1m30s", "7200s" is "2h". */
export function spanText(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    rest -= count * size;
    text += count > 0 ? `${count}${unit}` : "";
  }
  return text || "0s";
}

/** Milliseconds as the server takes them. */
export function spanOf(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round(ms % 1000) * 1e6 };
}
