// Times and durations of the server as numbers and short words. It must not know what they belong to.

import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** Milliseconds since 1970. */
export function msOf(time: Timestamp | undefined): number | undefined {
  return time && Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);
}

export function durationMs(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) * 1000 + Math.floor(duration.nanos / 1e6);
}

/** "0.4 s", "12 s", "1 m 05 s", "2 h 03 m", "3 d 04 h": two units at most, so that columns stay narrow. */
export function durationWords(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) {
    return "0 s";
  }
  if (ms > 0 && ms < 1000) {
    return `${Math.max(0.1, Math.floor(ms / 100) / 10)} s`;
  }
  const seconds = Math.floor(ms / 1000);
  const two = (number: number) => String(number).padStart(2, "0");
  if (seconds < 60) {
    return `${seconds} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  }
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`;
  }
  return `${Math.floor(seconds / 86_400)} d ${two(Math.floor((seconds % 86_400) / 3600))} h`;
}

/** A whole number of seconds for a clock that ticks: no tenths, so that it does not flicker at its start. */
export function tickingWords(ms: number): string {
  return durationWords(Math.max(0, Math.floor(ms / 1000)) * 1000);
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

/** Milliseconds as the server takes them. */
export function spanOf(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round(ms % 1000) * 1e6 };
}
