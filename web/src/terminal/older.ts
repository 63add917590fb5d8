// Output from before the place where a view began: the modes that were set there, and how far back to go next.
//
// It must not know xterm or React.

import { joinModes, MODES_OVERLAP_BYTES, type Modes, NO_MODES, restoreModes, scanModes } from "./modes.ts";

/** Reads a range of the log: what is kept of it. */
export type ReadRange = (offset: bigint, length: number) => Promise<Uint8Array>;

/** The end of the output that a view shows first. */
export const TAIL_BYTES = 256n * 1024n;
/** How much older output is shown at most, on request. */
export const EARLIER_BYTES_MAX = 8n * 1024n * 1024n;

const SCAN_PIECE_BYTES = 256n * 1024n;
const SCAN_BYTES_MAX = 2n * 1024n * 1024n;
const SCAN_MS_MAX = 1000;

/**
 * The sequences that a terminal needs before it shows output from `cut` on. Reads backwards until the screen in
 * use is known, within limits: a view that waits is worse than a mode that is missing.
 */
export async function modesBefore(read: ReadRange, outputStart: bigint, cut: bigint): Promise<string> {
  const until = Date.now() + SCAN_MS_MAX;
  const least = cut - SCAN_BYTES_MAX > outputStart ? cut - SCAN_BYTES_MAX : outputStart;
  let modes: Modes = NO_MODES;
  let end = cut;
  try {
    while (end > least && !modes.reset && !modes.set.has(1049) && Date.now() < until) {
      const from = end - SCAN_PIECE_BYTES > least ? end - SCAN_PIECE_BYTES : least;
      const upTo = end + BigInt(MODES_OVERLAP_BYTES) < cut ? end + BigInt(MODES_OVERLAP_BYTES) : cut;
      modes = joinModes(scanModes(await read(from, Number(upTo - from))), modes);
      end = from;
    }
  } catch {
    // What is known so far is still true; the stream itself says what is wrong with the terminal.
  }
  return restoreModes(modes);
}

/** Where to begin when more is asked for: four times as much, at least a megabyte. Undefined: there is no more. */
export function earlierStart(start: bigint, end: bigint, outputStart: bigint): bigint | undefined {
  const megabyte = 1024n * 1024n;
  const wanted = (end - start) * 4n > megabyte ? (end - start) * 4n : megabyte;
  const span = wanted < EARLIER_BYTES_MAX ? wanted : EARLIER_BYTES_MAX;
  const from = end - span > outputStart ? end - span : outputStart;
  return from < start ? from : undefined;
}

/** What the top of the scrollback says: more can come, more is too much, older is not kept, or this is the beginning. */
export type Earlier = "more" | "limit" | "gone" | "none";

export interface Reach {
  start: bigint;
  next: bigint;
  outputStart: bigint;
  /** The scrollback is full: lines that were read have been dropped at its top. */
  full: boolean;
  /** It is as long as it gets. */
  longest: boolean;
}

export function earlierOf({ start, next, outputStart, full, longest }: Reach): Earlier {
  if (full) {
    return longest ? "limit" : "more";
  }
  if (earlierStart(start, next, outputStart) !== undefined) {
    return "more";
  }
  return start > outputStart ? "limit" : outputStart > 0n ? "gone" : "none";
}
