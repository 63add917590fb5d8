// What is pasted: made safe, asked about when it could run by itself, and fed to the queue piece by piece.
//
// It must not know xterm, the hub or the clipboard.

const ASK_LINES = 5;
const ASK_BYTES = 5 * 1024;

/** The most that is taken at once; more is a file, and a terminal is no way to copy one. */
export const PASTE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Line ends are what Enter sends. Every other key but Tab shows as a picture of itself: one could end a bracketed
 * paste from inside, and Ctrl+C would interrupt what reads it, so that the rest were typed.
 */
export function pasteText(text: string, bracketed: boolean): string {
  const lines = text.replace(/\r\n?|\n/g, "\r").replace(/[^\P{Cc}\t\r]/gu, pictureOf);
  return bracketed ? `\x1b[200~${lines}\x1b[201~` : lines;
}

/** A control character of eight bits is an escape and a letter in one. */
function pictureOf(control: string): string {
  const code = control.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\u241b";
}

/** Whether to ask first, and with which words: many lines would each run by themselves. */
export function pasteQuestion(text: string, bracketed: boolean): { title: string; text: string } | undefined {
  const lines = text.split(/\r\n?|\n/).length;
  if (bracketed || (lines <= ASK_LINES && text.length <= ASK_BYTES)) {
    return undefined;
  }
  const what =
    lines > 1 ? `${lines.toLocaleString("en")} lines` : `${text.length.toLocaleString("en")} characters`;
  return {
    title: `Paste ${what}?`,
    text: "The program does not say that it takes pasted text as one piece: each line may run as soon as it arrives.",
  };
}

/** Takes bytes, or answers false and takes nothing of them; tells how many wait. */
export interface Queue {
  type(data: Uint8Array): boolean;
  pendingBytes(): number;
}

const PIECE_BYTES = 32 * 1024;
/** Never more than this waits in the hub, which takes 1 MiB: keys and other pages find room. */
const AHEAD_BYTES = 256 * 1024;
/** Keys typed behind a paste; beyond it nobody types, something holds a key down. */
const BEHIND_BYTES = 64 * 1024;

/**
 * One terminal's typing, in order: a long paste goes as the queue has room, and keys typed meanwhile after it.
 * Call `feed` whenever the queue has moved.
 */
export class Feeder {
  private rest: Uint8Array[] = [];
  private restBytes = 0;
  private pasteBytes = 0;
  private closing: Uint8Array | undefined;
  private feeding = false;

  constructor(private readonly queue: Queue) {}

  /** Bytes of the paste that has not gone yet, and of how many. */
  get progress(): { left: number; of: number } {
    return { left: this.restBytes, of: this.pasteBytes };
  }

  /** Keys. False: nothing was taken. */
  type(data: Uint8Array): boolean {
    if (this.restBytes === 0) {
      return this.queue.type(data);
    }
    if (this.restBytes + data.length > this.pasteBytes + BEHIND_BYTES) {
      return false;
    }
    this.rest.push(data);
    this.restBytes += data.length;
    return true;
  }

  /** A paste, and what ends it if it is given up on the way. False: nothing was taken, it is too long. */
  paste(data: Uint8Array, closing?: Uint8Array): boolean {
    if (this.restBytes + data.length > PASTE_BYTES_MAX) {
      return false;
    }
    for (let from = 0; from < data.length; from += PIECE_BYTES) {
      this.rest.push(data.subarray(from, from + PIECE_BYTES));
    }
    this.restBytes += data.length;
    this.pasteBytes = this.restBytes;
    this.closing = closing;
    this.feed();
    return true;
  }

  /** The queue may call back from within `type`: that call has nothing to do. */
  feed(): void {
    if (this.feeding) {
      return;
    }
    this.feeding = true;
    while (this.restBytes > 0 && this.queue.pendingBytes() < AHEAD_BYTES) {
      const piece = this.rest[0];
      if (piece === undefined || !this.queue.type(piece)) {
        break;
      }
      this.rest.shift();
      this.restBytes -= piece.length;
    }
    this.feeding = false;
    if (this.restBytes === 0) {
      this.pasteBytes = 0;
    }
  }

  /** Forgets what has not gone yet, and tells the program that the paste is over. */
  cancel(): void {
    const cut = this.restBytes > 0 ? this.closing : undefined;
    this.rest = [];
    this.restBytes = 0;
    this.pasteBytes = 0;
    if (cut !== undefined) {
      this.queue.type(cut);
    }
  }
}
