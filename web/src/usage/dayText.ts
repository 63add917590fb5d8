// A day of the contract ("2026-03-31", UTC) in words. It must not know what happened on it.

export function dayText(day: unknown): string {
  const at = Date.parse(`${String(day)}T00:00:00Z`);
  if (Number.isNaN(at)) return String(day);
  return new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
}
