// Compares times as the server sends them. It must not know clocks.

import type { Timestamp } from "@bufbuild/protobuf/wkt";

/** True if the first is later than the second; one that is absent is before all others. */
export function later(one: Timestamp | undefined, other: Timestamp | undefined): boolean {
  if (!one || !other) {
    return one !== undefined && other === undefined;
  }
  return one.seconds === other.seconds ? one.nanos > other.nanos : one.seconds > other.seconds;
}
