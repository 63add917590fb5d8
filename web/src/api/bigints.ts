// The larger and the smaller of two bigints: Math.max and Math.min take none. It must not know what they count.

export function larger(one: bigint, other: bigint): bigint {
  if (one > other) {
    return one;
  }
  return other;
}

export function smaller(one: bigint, other: bigint): bigint {
  if (one < other) {
    return one;
  }
  return other;
}
