// What a program may do with the clipboard (OSC 52): ask to write text, after a person said yes; never read.
//
// It must not know xterm or the clipboard.

/** The most that a program may put there. */
export const CLIPBOARD_BYTES_MAX = 256 * 1024;

/** The text in a request's base64; undefined if it is none, empty or too long. */
export function clipboardText(base64: string): string | undefined {
  if (base64.length === 0 || base64.length > (CLIPBOARD_BYTES_MAX * 4) / 3) {
    return undefined;
  }
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.length > 0 ? text : undefined;
  } catch {
    return undefined;
  }
}

const PREVIEW_CHARS = 160;

/** The beginning of a text on one line, control characters as pictures of themselves. */
export function clipboardPreview(text: string): string {
  const line = [...text.slice(0, PREVIEW_CHARS)]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0;
      return code < 0x20 ? String.fromCodePoint(0x2400 + code) : code === 0x7f ? "\u2421" : character;
    })
    .join("");
  return text.length > PREVIEW_CHARS ? `${line}…` : line;
}
