// Conversations in the order of a list, under the days on which they last changed.
// It must not know how a list looks.

import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";

export type Row =
  | { readonly kind: "day"; readonly key: string; readonly label: string }
  | { readonly kind: "conversation"; readonly key: string; readonly conversation: Conversation };

const DAY_MS = 86_400_000;

export function changedAt(conversation: Conversation): number {
  const time = conversation.updateTime ?? conversation.createTime;
  return time ? Number(time.seconds) * 1000 + time.nanos / 1e6 : 0;
}

/** Newest change first; ids, which are in the order of time, where two changed at once. */
export function byChange(a: Conversation, b: Conversation): number {
  return changedAt(b) - changedAt(a) || (a.id < b.id ? 1 : -1);
}

/** Rows of a list: a heading before the first conversation of each day (of each month, when it is long ago). */
export function rowsOf(conversations: readonly Conversation[], now: number, locale?: string): readonly Row[] {
  const rows: Row[] = [];
  let last = "";
  for (const conversation of conversations) {
    const label = dayLabel(changedAt(conversation), now, locale);
    if (label !== last) {
      rows.push({ kind: "day", key: `day ${label}`, label });
      last = label;
    }
    rows.push({ kind: "conversation", key: conversation.id, conversation });
  }
  return rows;
}

export function dayLabel(at: number, now: number, locale?: string): string {
  const days = Math.round((midnight(now) - midnight(at)) / DAY_MS);
  if (days <= 0) {
    return "Today";
  }
  if (days === 1) {
    return "Yesterday";
  }
  const date = new Date(at);
  if (days < 7) {
    return date.toLocaleDateString(locale, { weekday: "long" });
  }
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(locale, { month: "long", ...(sameYear ? {} : { year: "numeric" }) });
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
