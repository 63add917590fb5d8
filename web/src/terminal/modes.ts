// Which modes a program had set before a place in its output, read from the output itself.
//
// A view that begins in the middle of vim or htop would otherwise miss that they draw on the alternate screen,
// hide the cursor or want the mouse. It must not know where the bytes come from.

/** The modes worth restoring (DECSET): the screen, the cursor, keys, wrapping, the mouse, paste. */
const KEPT = new Set([1, 7, 25, 47, 1000, 1002, 1003, 1004, 1006, 1047, 1049, 2004]);

/** What xterm has on by itself: restored only when it was switched off. */
const ON_BY_DEFAULT = new Set([7, 25]);

/** Modes by number, and `reset` when everything before was reset. */
export interface Modes {
  readonly set: ReadonlyMap<number, boolean>;
  /** The last keypad mode, if one was chosen: application (ESC =) or numeric (ESC >). */
  readonly keypad?: boolean;
  /** A full reset was found: what came before does not count. */
  readonly reset: boolean;
}

export const NO_MODES: Modes = { set: new Map(), reset: false };

/** Long enough for every sequence that sets modes: pieces are read with so much of an overlap. */
export const MODES_OVERLAP_BYTES = 64;

/** The modes that a piece of output leaves set or reset, the last one of each counting. */
export function scanModes(data: Uint8Array): Modes {
  const set = new Map<number, boolean>();
  let keypad: boolean | undefined;
  let reset = false;
  for (let index = data.indexOf(0x1b); index >= 0; index = data.indexOf(0x1b, index + 1)) {
    const next = data[index + 1];
    if (next === 0x63) {
      set.clear();
      keypad = undefined;
      reset = true;
    } else if (next === 0x3d || next === 0x3e) {
      keypad = next === 0x3d;
    } else if (next === 0x5b && data[index + 2] === 0x3f) {
      readPrivate(data, index + 3, set);
    }
  }
  return { set, keypad, reset };
}

/** Reads `1;25h` after `ESC [ ?`. */
function readPrivate(data: Uint8Array, from: number, set: Map<number, boolean>): void {
  const numbers: number[] = [];
  let number = 0;
  for (let index = from; index < data.length && index - from < MODES_OVERLAP_BYTES - 4; index++) {
    const byte = data[index] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      number = Math.min(number * 10 + byte - 0x30, 99_999);
    } else if (byte === 0x3b) {
      numbers.push(number);
      number = 0;
    } else {
      numbers.push(number);
      if (byte === 0x68 || byte === 0x6c) {
        for (const mode of numbers.filter((mode) => KEPT.has(mode))) {
          // Three numbers mean the alternate screen, and any of them leaves it.
          set.set(mode === 47 || mode === 1047 ? 1049 : mode, byte === 0x68);
        }
      }
      return;
    }
  }
}

/** What holds after `later`, when `earlier` came right before it. */
export function joinModes(earlier: Modes, later: Modes): Modes {
  if (later.reset) {
    return later;
  }
  return {
    set: new Map([...earlier.set, ...later.set]),
    keypad: later.keypad ?? earlier.keypad,
    reset: earlier.reset,
  };
}

/** The sequences that put a fresh terminal into these modes. */
export function restoreModes(modes: Modes): string {
  let out = "";
  for (const [mode, on] of modes.set) {
    if (on !== ON_BY_DEFAULT.has(mode)) {
      out += `\x1b[?${mode}${on ? "h" : "l"}`;
    }
  }
  return modes.keypad ? `${out}\x1b=` : out;
}
