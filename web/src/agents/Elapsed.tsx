// How long something takes or took; ticks while it goes on, all by one timer. It must not know what it is.

import { useNow } from "./clock.ts";
import { durationWords } from "./time.ts";

interface ElapsedProps {
  since: number;
  /** Absent: until now. */
  until?: number;
  className?: string;
  /** Not read out, where the name of a control would change each second. */
  unsaid?: boolean;
}

export function Elapsed({ since, until, className, unsaid }: ElapsedProps) {
  const now = useNow(until === undefined);
  // A server's clock may be ahead of this one.
  const ms = Math.max(0, (until ?? now) - since);
  return (
    <span className={className} aria-hidden={unsaid}>
      {durationWords(until === undefined ? Math.floor(ms / 1000) * 1000 : ms)}
    </span>
  );
}
