// The calls about one terminal besides the stream: how it is, a range of its output, whether it can be followed.
//
// It must not know readers or rings.

import { type Failure, failureOf, isPassing } from "../api/failure.ts";
import type { Terminal } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Context } from "./context.ts";
import type { TerminalItem } from "./protocol.ts";
import type { Item } from "./ring.ts";
import { costOf, gapItem } from "./terminal-items.ts";

const RANGE_BYTES = 256 * 1024;
const RANGE_BYTES_MIN = 4096;
const PROBE_MS = 10_000;

/** The terminal as it is now. It is asked for again until the server answers. */
export async function lookAt(
  context: Context,
  terminalId: string,
  signal: AbortSignal,
  failed: (why: Failure) => void,
): Promise<Terminal | undefined> {
  while (!signal.aborted) {
    try {
      const { terminal } = await context.clients.terminals.getTerminal({ terminalId }, { signal });
      return terminal;
    } catch (error) {
      if (signal.aborted) {
        return undefined;
      }
      const why = failureOf(error);
      if (!(await pause(context, why, signal))) {
        failed(why);
        return undefined;
      }
    }
  }
  return undefined;
}

/** Waits until a call may be made again; false: it will not be. */
export async function pause(
  context: Context,
  why: Failure | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (why && !isPassing(why)) {
    return false;
  }
  await context.link.sleep(why ? 1_000 : 500, signal);
  return !signal.aborted;
}

/** A part of the output that begins at `from`, of about `room` bytes. */
export async function readRange(
  context: Context,
  terminalId: string,
  from: bigint,
  room: number,
  signal: AbortSignal,
) {
  const length = Math.min(RANGE_BYTES, Math.max(room, RANGE_BYTES_MIN));
  const request = { terminalId, offset: from, length };
  const range = await context.clients.terminals.readOutput(request, { signal });
  const items: Item<TerminalItem>[] = [];
  if (range.gap) {
    items.push(gapItem(range.gap));
  }
  if (range.data.length > 0) {
    const value = { output: range.data, offset: range.offset };
    items.push({ start: range.offset, end: range.endOffset, cost: costOf(value), value });
  }
  return { range, items };
}

/** Why a terminal cannot be read from an offset; undefined: it can. */
export async function probe(
  context: Context,
  terminalId: string,
  offset: bigint,
): Promise<Failure | undefined> {
  const start = { case: "offset" as const, value: offset };
  const done = new AbortController();
  try {
    const request = { terminalId, start, follow: false };
    const options = { signal: done.signal, timeoutMs: PROBE_MS };
    for await (const _ of context.clients.terminals.watch(request, options)) {
      break;
    }
    return undefined;
  } catch (error) {
    return failureOf(error);
  } finally {
    done.abort();
  }
}
