// How large a terminal is shown: as large as its place, or as large as whoever typed last made it.
//
// It must not know xterm, the hub or the DOM.

export interface Size {
  cols: number;
  rows: number;
}

/** The server's limits. */
const SIZE_MAX = 1000;
/** Below it programs draw nonsense; a narrower place scrolls. */
const COLS_MIN = 2;

export function sameSize(a: Size | undefined, b: Size | undefined): boolean {
  return a?.cols === b?.cols && a?.rows === b?.rows;
}

export function clampSize(size: Size): Size {
  const clamp = (value: number, least: number) => Math.min(SIZE_MAX, Math.max(least, Math.floor(value)));
  return { cols: clamp(size.cols, COLS_MIN), rows: clamp(size.rows, 1) };
}

/** Sizes asked for whose word may still come back; more are never under way. */
const ASKED_MAX = 16;

/**
 * One terminal's sizes. What the place allows goes to the server only from the page that holds the terminal;
 * everyone else shows the size that the server has.
 */
export class Sizing {
  private place: Size | undefined;
  private server: Size | undefined;
  private asked: Size[] = [];
  /** One size that nobody here asked for is still to be let by: see `resized`. */
  private grace = false;

  constructor(
    private readonly ask: (size: Size) => void,
    private readonly show: (size: Size) => void,
  ) {}

  /** The size in use, and whether it is another's: then it may not fit its place. */
  get current(): { size: Size | undefined; others: boolean } {
    return { size: this.server, others: !sameSize(this.server, this.place) };
  }

  /** The place has changed. */
  placed(place: Size, mine: boolean): void {
    this.place = clampSize(place);
    this.settle(mine);
  }

  /** The page came to hold the terminal, or holds it no longer. */
  settle(mine: boolean): void {
    const place = this.place;
    if (mine && place !== undefined) {
      this.show(place);
      if (!sameSize(place, this.asked.at(-1) ?? this.server)) {
        this.asked = [...this.asked, place].slice(-ASKED_MAX);
        this.grace = true;
        this.ask(place);
      }
    } else if (!mine && this.server !== undefined) {
      this.asked = [];
      this.show(this.server);
    }
  }

  /** The stream begins: this is the size now. */
  opened(size: Size, mine: boolean): void {
    this.server = size;
    this.asked = [];
    this.show(size);
    this.settle(mine);
  }

  /**
   * The server says a size, or said it before this view was there (`past`). Answers true if this view holds the
   * terminal and never asked for it: somebody else does. One such size may come before the first that was asked
   * for: with the first key the server goes back to the last size of whoever types, which may be long forgotten here.
   */
  resized(size: Size, mine: boolean, past: boolean): boolean {
    if (sameSize(size, this.server)) {
      return false;
    }
    this.server = size;
    const at = this.asked.findLastIndex((asked) => sameSize(asked, size));
    if (at >= 0) {
      // What was asked before this one is done with; newer ones are still under way.
      this.asked = this.asked.slice(at + 1);
    }
    const unknown = mine && !past && at < 0 && !sameSize(size, this.place);
    const foreign = unknown && !(this.grace && this.asked.length > 0);
    this.grace = this.grace && !unknown && at < 0;
    if (foreign || !mine) {
      this.asked = [];
      this.show(size);
    }
    return foreign;
  }
}
