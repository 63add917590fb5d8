// What happened before the page was opened: the end of the workspace's log, read once, before what the page has seen.
//
// It must not know what events mean.

import { useEffect, useMemo, useState } from "react";
import type { Clients } from "../api/clients.ts";
import type { Event } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { Hub } from "../hub/hub.ts";
import { useClients, useHub, useWorkspace } from "../workspace/hooks.tsx";
import { FEED_MAX, joined } from "./feed.ts";

const GIVE_UP_MS = 20_000;

const pasts = new WeakMap<Hub, Promise<readonly Event[]>>();

async function readPast(clients: Clients, hub: Hub): Promise<readonly Event[]> {
  const { sequence } = await clients.agents.listJobs({ pageSize: 1 });
  // The log may not reach back so far: then less of it does.
  for (let back = BigInt(FEED_MAX); back > 0n; back /= 4n) {
    const from = sequence > back ? sequence - back : 0n;
    const events = await readRange(hub, from, sequence);
    if (events) {
      return events;
    }
  }
  return [];
}

/** The events after `from` up to `to`, newest first; undefined if the log no longer has them. */
function readRange(hub: Hub, from: bigint, to: bigint): Promise<readonly Event[] | undefined> {
  if (from >= to) {
    return Promise.resolve([]);
  }
  return new Promise((resolve) => {
    const events: Event[] = [];
    const end = (answer: readonly Event[] | undefined) => {
      clearTimeout(timer);
      // The reader may be told at once, before the way to leave is known.
      queueMicrotask(() => leave());
      resolve(answer);
    };
    const timer = setTimeout(() => end(events.reverse()), GIVE_UP_MS);
    const leave = hub.events(from, {
      event(event) {
        if (event.sequence <= to) {
          events.push(event);
        }
        if (event.sequence >= to) {
          end(events.reverse());
        }
      },
      expired: () => end(undefined),
      failed: () => end(undefined),
    });
  });
}

/** The newest events, those from before the page was opened among them; newest first. */
export function useFeed(): readonly Event[] {
  const hub = useHub();
  const clients = useClients();
  const ready = useWorkspace((state) => state.ready);
  const feed = useWorkspace((state) => state.feed);
  const [past, setPast] = useState<readonly Event[]>([]);
  useEffect(() => {
    if (!ready) {
      return;
    }
    let left = false;
    const reading = pasts.get(hub) ?? readPast(clients, hub);
    pasts.set(hub, reading);
    reading.then(
      (events) => !left && setPast(events),
      // What happens from now on is there all the same; the next one who looks asks again.
      () => pasts.delete(hub),
    );
    return () => {
      left = true;
    };
  }, [hub, clients, ready]);
  return useMemo(() => joined(feed, past), [feed, past]);
}
