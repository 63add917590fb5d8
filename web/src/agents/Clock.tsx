// A time as the time of day, where that is enough. It must not know what happened then.

import { Time } from "../ui/index.ts";

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const DAY_MS = 86_400_000;

export function Clock({ at }: { at: number }) {
  if (Date.now() - at > DAY_MS) {
    return <Time at={at} relative />;
  }
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {CLOCK.format(date)}
    </time>
  );
}
