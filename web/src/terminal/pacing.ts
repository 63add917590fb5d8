// Hands output to xterm piece by piece, and always knows which piece xterm is reading.
//
// xterm reads what it is given later, in slices. The pieces wait here, a few at a time go in, and each one's
// `done` is called when it is on the screen. It must not know the hub or the DOM.

/** What takes bytes and says when they are on the screen: xterm's `write`. */
export type Sink = (data: Uint8Array | string, taken: () => void) => void;

export interface Piece {
  data: Uint8Array | string;
  /** Printed before this reader came, or words of the page's own: answers to queries in it are dropped. */
  history: boolean;
  done?: () => void;
}

/** How much xterm holds at once: two slices of its own, so that a frame is never late by more. */
const HELD_BYTES = 128 * 1024;

/** Larger pieces are cut: xterm looks at the clock only between two of them. */
const PIECE_BYTES = 32 * 1024;

export class Pacer {
  /** Given to xterm and not on the screen yet, oldest first: xterm reads in order, so it reads the first. */
  private readonly held: Piece[] = [];
  private readonly waiting: Piece[] = [];
  private heldBytes = 0;
  private stopped = false;

  constructor(private readonly sink: Sink) {}

  push(piece: Piece): void {
    if (this.stopped) {
      return;
    }
    this.waiting.push(...split(piece));
    this.feed();
  }

  /** True while xterm reads output of before, or nothing at all is known to be read. */
  get readsHistory(): boolean {
    return this.held[0]?.history ?? true;
  }

  get idle(): boolean {
    return this.held.length === 0 && this.waiting.length === 0;
  }

  /** Nothing more is handed over; what waits is done with, so that the hub's window does not stay shut. */
  stop(): void {
    this.stopped = true;
    for (const piece of [...this.held.splice(0), ...this.waiting.splice(0)]) {
      piece.done?.();
    }
  }

  private feed(): void {
    while (this.heldBytes < HELD_BYTES) {
      const piece = this.waiting.shift();
      if (piece === undefined) {
        return;
      }
      this.held.push(piece);
      this.heldBytes += piece.data.length;
      this.sink(piece.data, () => this.taken(piece));
    }
  }

  private taken(piece: Piece): void {
    if (this.stopped || this.held[0] !== piece) {
      return;
    }
    this.held.shift();
    this.heldBytes -= piece.data.length;
    piece.done?.();
    this.feed();
  }
}

function split(piece: Piece): Piece[] {
  const { data, history, done } = piece;
  if (typeof data === "string" || data.length <= PIECE_BYTES) {
    return [piece];
  }
  const pieces: Piece[] = [];
  for (let from = 0; from < data.length; from += PIECE_BYTES) {
    pieces.push({ data: data.subarray(from, from + PIECE_BYTES), history });
  }
  pieces[pieces.length - 1] = { ...(pieces.at(-1) as Piece), done };
  return pieces;
}
