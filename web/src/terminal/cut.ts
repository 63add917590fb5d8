// Where output that begins in the middle can be shown from: neither inside an escape sequence nor inside a character.
//
// It must not know where the bytes come from, nor what xterm does with them.

const ESC = 0x1b;
const LF = 0x0a;

/** How far a clean place is looked for; then any whole character is good enough. */
const LOOK_BYTES = 16 * 1024;

/**
 * Leaves out the broken beginning of output that was cut: up to the first newline or escape, whichever comes
 * first. Without either, the rest of a split character is left out.
 */
export class CleanStart {
  private looked = 0;
  private found = false;

  /** What of the next piece is to be shown; empty while there is no clean place. */
  take(data: Uint8Array): Uint8Array {
    if (this.found) {
      return data;
    }
    const room = LOOK_BYTES - this.looked;
    const at = cleanIndex(data.length > room ? data.subarray(0, room) : data);
    if (at !== undefined) {
      this.found = true;
      return data.subarray(at);
    }
    this.looked += data.length;
    if (this.looked < LOOK_BYTES) {
      return data.subarray(data.length);
    }
    this.found = true;
    return data.subarray(wholeCharacter(data, Math.max(0, room)));
  }
}

/** The first place where lines or sequences begin, if there is one. */
function cleanIndex(data: Uint8Array): number | undefined {
  for (let index = 0; index < data.length; index++) {
    if (data[index] === ESC) {
      return index;
    }
    if (data[index] === LF) {
      return index + 1;
    }
  }
  return undefined;
}

/** The first byte from `from` on that begins a character; UTF-8 has at most three that do not. */
function wholeCharacter(data: Uint8Array, from: number): number {
  let index = from;
  while (index < data.length && index - from < 3 && ((data[index] ?? 0) & 0xc0) === 0x80) {
    index++;
  }
  return index;
}
