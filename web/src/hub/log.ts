// Hands a log to its readers: from the ring where it reaches, else from the server, each at its own pace.
//
// Each reader has a cursor and a window of what may be under way to it. One that does not take what it was given
// gets nothing more, and slows nobody else. It must not know what the log is about.

import { type Failure, failureOf } from "../api/failure.ts";
import { type Item, Ring } from "./ring.ts";

/** Where a reader's items go. */
export interface Reader<T> {
  give(items: Item<T>[]): void;
  /** Every item up to the end of a finished log was given. */
  finished(): void;
  failed(why: Failure): void;
}

export interface LogOptions<T> {
  at: bigint;
  ringCost: number;
  window: number;
  /** Reads a part of the log that begins at `from`, of about `room`; empty: nothing is there yet. */
  fetch(from: bigint, room: number, signal: AbortSignal): Promise<Item<T>[]>;
  /** Waits until a fetch that failed, or found nothing, may be made again; false: it will not be. */
  pause(why: Failure | undefined, signal: AbortSignal): Promise<boolean>;
  /** What is left of an item for a reader in the middle of it. */
  clip(item: Item<T>, from: bigint): Item<T>;
  /** The ring overtook its fastest reader. */
  overrun?(): void;
  /** What a reader that comes into the ring from behind may have missed on the way, without length. */
  missed?(position: bigint): Item<T>[];
}

/** A reader's place. */
export class Place<T> {
  serial = 0;
  /** A part is being fetched for it. */
  fetching = false;
  over = false;
  readonly gone = new AbortController();

  constructor(
    readonly reader: Reader<T>,
    public position: bigint,
    public room: number,
  ) {}
}

export class Log<T> {
  readonly ring: Ring<T>;
  readonly places = new Set<Place<T>>();
  /** Nothing follows the end of the ring. */
  private ended = false;
  /** The ring does not follow the log at the moment: everybody fetches. */
  private detached = false;

  constructor(private readonly options: LogOptions<T>) {
    this.ring = new Ring(options.at, options.ringCost);
  }

  get over(): boolean {
    return this.ended;
  }

  /** `underWay` is what the reader has been given by another hub, and has not taken yet. */
  join(reader: Reader<T>, position: bigint, underWay = 0): Place<T> {
    const place = new Place(reader, position, this.options.window - underWay);
    this.places.add(place);
    place.serial = this.ring.serialAt(position);
    this.pump(place);
    return place;
  }

  leave(place: Place<T>): void {
    place.over = true;
    place.gone.abort();
    this.places.delete(place);
  }

  taken(place: Place<T>, amount: number): void {
    place.room = Math.min(place.room + amount, this.options.window);
    this.pump(place);
  }

  push(item: Item<T>): void {
    const floor = this.ring.floor;
    this.ring.push(item);
    for (const place of this.places) {
      this.pump(place);
    }
    const passed = this.ring.floor > floor && this.places.size > 0;
    if (passed && [...this.places].every((place) => place.position < this.ring.floor)) {
      this.options.overrun?.();
    }
  }

  /** The log is whole: readers that have all of it are told. */
  end(): void {
    this.ended = true;
    this.pumpAll();
  }

  /** From now on everybody fetches, until `attach`. */
  detach(): void {
    this.detached = true;
    this.pumpAll();
  }

  /** The ring goes on at a position. */
  attach(at: bigint): void {
    this.detached = false;
    this.ring.restart(at);
    this.pumpAll();
  }

  /** The log has lost its newest part: everybody goes on at its end. */
  move(at: bigint): void {
    this.ring.restart(at);
    for (const place of this.places) {
      place.position = at;
    }
  }

  failAll(why: Failure): void {
    for (const place of [...this.places]) {
      this.fail(place, why);
    }
  }

  private fail(place: Place<T>, why: Failure): void {
    this.leave(place);
    place.reader.failed(why);
  }

  private pumpAll(): void {
    for (const place of [...this.places]) {
      this.pump(place);
    }
  }

  private pump(place: Place<T>): void {
    if (place.over || place.fetching) {
      return;
    }
    if (this.isBehind(place)) {
      if (place.room > 0) {
        void this.fetch(place);
      }
      return;
    }
    const items: Item<T>[] = [];
    while (place.room > 0) {
      const next = this.ring.next(place.position, place.serial);
      if (!next) {
        break;
      }
      place.serial = next.serial + 1;
      this.add(items, place, next.item);
    }
    if (items.length > 0) {
      place.reader.give(items);
    }
    if (this.ended && place.room > 0 && !this.ring.next(place.position, place.serial)) {
      this.leave(place);
      place.reader.finished();
    }
  }

  private add(items: Item<T>[], place: Place<T>, item: Item<T>): void {
    const clipped = this.options.clip(item, place.position);
    items.push(clipped);
    place.room -= clipped.cost;
    if (clipped.end > place.position) {
      place.position = clipped.end;
    }
  }

  private async fetch(place: Place<T>): Promise<void> {
    place.fetching = true;
    let found: Item<T>[] = [];
    try {
      found = await this.options.fetch(place.position, place.room, place.gone.signal);
    } catch (error) {
      if (place.over) {
        return;
      }
      const why = failureOf(error);
      if (!(await this.options.pause(why, place.gone.signal))) {
        this.fail(place, why);
        return;
      }
    }
    const items: Item<T>[] = [];
    for (const item of found) {
      if (item.end > place.position) {
        this.add(items, place, item);
      }
    }
    if (items.length > 0 && !place.over) {
      place.reader.give(items);
    } else if (this.isBehind(place)) {
      await this.options.pause(undefined, place.gone.signal);
    }
    place.fetching = false;
    if (!place.over && !this.isBehind(place)) {
      this.enter(place);
    }
    this.pump(place);
  }

  /** It comes into the ring from behind. */
  private enter(place: Place<T>): void {
    place.serial = Math.max(place.serial, this.ring.serialAt(place.position));
    const missed = this.options.missed?.(place.position) ?? [];
    if (missed.length > 0) {
      place.reader.give(missed);
    }
  }

  private isBehind(place: Place<T>): boolean {
    return this.detached || place.position < this.ring.floor;
  }
}
