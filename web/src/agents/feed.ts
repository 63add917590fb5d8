// Two pieces of the event log as one. It must not know what events mean.

import type { Event } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";

export const FEED_MAX = 300;

/** Both are newest first, and may overlap; each event is there once. */
export function joined(feed: readonly Event[], past: readonly Event[]): readonly Event[] {
  const oldest = feed.at(-1)?.sequence;
  const before = oldest === undefined ? past : past.filter((event) => event.sequence < oldest);
  return before.length === 0 ? feed : [...feed, ...before].slice(0, FEED_MAX);
}
