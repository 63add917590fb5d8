// The newest part of a log, kept for readers that come a little later or are a little behind.
//
// Items follow each other without a hole; each begins at the position where the one before it ended. An item may
// have no length (a change of size between two bytes). It must not know who reads.

export interface Item<T> {
  start: bigint;
  end: bigint;
  /** What it counts against the limit. */
  cost: number;
  value: T;
}

export class Ring<T> {
  private items: Item<T>[] = [];
  /** The serial of the first item kept. */
  private first = 0;
  private cost = 0;
  private floorAt: bigint;
  private endAt: bigint;

  constructor(
    at: bigint,
    private readonly costMax: number,
  ) {
    this.floorAt = at;
    this.endAt = at;
  }

  /** A reader at this position or later misses nothing. */
  get floor(): bigint {
    return this.floorAt;
  }

  /** Where the newest item ends. */
  get end(): bigint {
    return this.endAt;
  }

  /** The serial that the next item gets. */
  get serial(): number {
    return this.first + this.items.length;
  }

  /** Appends, and lets go of the oldest beyond the limit, but never of the newest. */
  push(item: Item<T>): void {
    if (item.start !== this.endAt) {
      throw new RangeError(`an item at ${item.start} does not follow ${this.endAt}`);
    }
    this.items.push(item);
    this.endAt = item.end;
    this.cost += item.cost;
    let gone = 0;
    while (this.cost > this.costMax && gone < this.items.length - 1) {
      const oldest = this.items[gone];
      if (!oldest) {
        break;
      }
      this.cost -= oldest.cost;
      this.floorAt = oldest.end;
      gone += 1;
    }
    if (gone > 0) {
      this.items.splice(0, gone);
      this.first += gone;
    }
  }

  /** Forgets everything and goes on elsewhere. */
  restart(at: bigint): void {
    this.first = this.serial;
    this.items = [];
    this.cost = 0;
    this.floorAt = at;
    this.endAt = at;
  }

  /** The serial of the first item that is not over for a reader that comes at `position`. */
  serialAt(position: bigint): number {
    const at = this.items.findIndex(({ start, end }) => start >= position || end > position);
    return at < 0 ? this.serial : this.first + at;
  }

  /**
   * The next item for a reader that has taken everything before `position` and all items before `serial`. A reader
   * may be ahead of the log: an item without length that comes then is not lost on it.
   */
  next(position: bigint, serial: number): { item: Item<T>; serial: number } | undefined {
    for (let at = Math.max(serial - this.first, 0); at < this.items.length; at++) {
      const item = this.items[at];
      if (item && (item.end > position || item.start === item.end)) {
        return { item, serial: this.first + at };
      }
    }
    return undefined;
  }
}
