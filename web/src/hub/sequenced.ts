// Logs of events that have a sequence each, in steps of one or more: the workspace's, and an answer's.
//
// It must not know what the events are about.

import { type Failure, failureOf, isPassing } from "../api/failure.ts";
import type { Context } from "./context.ts";
import { Log } from "./log.ts";
import { EVENT_WINDOW } from "./protocol.ts";
import type { Item } from "./ring.ts";

const RING_EVENTS = 2_000;
const PART_EVENTS = 1_000;
const PART_MS = 30_000;
const PAUSE_MS = 1_000;

interface Sequenced {
  sequence: bigint;
}

/** Reads what the log has after a sequence, and ends there. `undefined`: no event of the log. */
type ReadOn<E> = (
  after: bigint,
  options: { signal: AbortSignal; timeoutMs: number },
) => AsyncIterable<E | undefined>;

/** Filters aside, sequences have no gap; if one had, its reader would rather go on than stop. */
export function itemAfter<E extends Sequenced>(event: E, after: bigint): Item<E> {
  return { start: after, end: event.sequence, cost: 1, value: event };
}

export function sequencedLog<E extends Sequenced>(context: Context, at: bigint, read: ReadOn<E>): Log<E> {
  return new Log<E>({
    at,
    ringCost: RING_EVENTS,
    window: EVENT_WINDOW,
    fetch: (from, _room, signal) => readPart(context, from, signal, read),
    pause: (why, signal) => pause(context, why, signal),
    clip: (item) => item,
  });
}

/** A part of the log on a stream of its own, which ends when it has been read. */
export async function readPart<E extends Sequenced>(
  context: Context,
  from: bigint,
  signal: AbortSignal,
  read: ReadOn<E>,
): Promise<Item<E>[]> {
  const release = await context.spare.take(signal);
  const done = new AbortController();
  const found: Item<E>[] = [];
  try {
    const options = { signal: AbortSignal.any([signal, done.signal]), timeoutMs: PART_MS };
    for await (const event of read(from, options)) {
      if (event) {
        found.push(itemAfter(event, found.at(-1)?.end ?? from));
      }
      if (found.length >= PART_EVENTS) {
        break;
      }
    }
  } catch (error) {
    if (found.length === 0) {
      throw failureOf(error);
    }
  } finally {
    done.abort();
    release();
  }
  return found;
}

async function pause(context: Context, why: Failure | undefined, signal: AbortSignal): Promise<boolean> {
  if (why && !isPassing(why)) {
    return false;
  }
  await context.link.sleep(PAUSE_MS, signal);
  return !signal.aborted;
}
