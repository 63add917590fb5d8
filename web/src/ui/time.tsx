// Times and spans that stay true while they are looked at, from one clock. They must not know what they time.

import { useSyncExternalStore } from "react";
import { absoluteTime, durationText, type Instant, millisOf, relativeTime } from "./format.ts";

const TICK_MS = 10_000;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const each of listeners) each();
    }, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

const never = () => () => {};

export interface TimeProps {
  at: Instant;
  /** "5 min ago", kept true; else date and time. */
  relative?: boolean;
}

export function Time({ at, relative }: TimeProps) {
  const millis = millisOf(at);
  const clock = useSyncExternalStore(relative ? subscribe : never, () => now);
  const whole = absoluteTime(millis);
  return (
    <time dateTime={new Date(millis).toISOString()} title={whole}>
      {relative ? relativeTime(millis, Math.max(clock, now)) : whole}
    </time>
  );
}

/** A span in milliseconds, in words. */
export function Duration({ ms }: { ms: number }) {
  return <span>{durationText(ms)}</span>;
}
