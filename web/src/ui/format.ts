// Times, spans and numbers in words for people. It must not know where they come from.

/** What the contract's Timestamp looks like; also a Date, or milliseconds since 1970. */
export type Instant = { seconds: bigint; nanos: number } | Date | number;

export function millisOf(at: Instant): number {
  if (typeof at === "number") return at;
  if (at instanceof Date) return at.getTime();
  return Number(at.seconds) * 1000 + Math.floor(at.nanos / 1_000_000);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "5 min ago", "in 3 h", "2 d ago"; the date from a week on. */
export function relativeTime(at: number, now: number): string {
  const away = Math.abs(now - at);
  if (away < 45 * SECOND) return at > now + SECOND ? "in a moment" : "just now";
  if (away >= 7 * DAY) return dateOf(at, now);
  const span =
    away < 59.5 * MINUTE
      ? `${Math.max(1, Math.round(away / MINUTE))} min`
      : away < 23.5 * HOUR
        ? `${Math.round(away / HOUR)} h`
        : `${Math.round(away / DAY)} d`;
  return at > now ? `in ${span}` : `${span} ago`;
}

function dateOf(at: number, now: number): string {
  const date = new Date(at);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(undefined, {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** The whole of it, for a tooltip. */
export function absoluteTime(at: number): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** "0.4 s", "12 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". */
export function durationText(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 10 * SECOND) return `${(Math.floor(span / 100) / 10).toFixed(1)} s`;
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return two(span, MINUTE, "min", SECOND, "s");
  if (span < DAY) return two(span, HOUR, "h", MINUTE, "min");
  return two(span, DAY, "d", HOUR, "h");
}

function two(span: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % big) / small);
  const first = `${Math.floor(span / big)} ${bigName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

/** A count that fits a label: 950, "1.2 k", "34 k", "5.6 M". */
export function countText(count: bigint | number): string {
  const value = Number(count);
  for (const [unit, name] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= unit) {
      const scaled = value / unit;
      return `${scaled < 10 ? (Math.floor(scaled * 10) / 10).toString() : Math.floor(scaled).toString()} ${name}`;
    }
  }
  return value.toString();
}

/** Every digit, grouped as is usual here. */
export function wholeCount(count: bigint | number): string {
  return count.toLocaleString();
}
