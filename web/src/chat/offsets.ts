// Places in a text: the server counts bytes of UTF-8, a text field counts units of UTF-16.
// It must not know what stands there.

/** The index in a JavaScript string of a byte offset in its UTF-8; inside a character it is the character's beginning. */
export function indexOfByte(text: string, bytes: number): number {
  let seen = 0;
  let index = 0;
  for (const letter of text) {
    seen += bytesOf(letter);
    if (seen > bytes) {
      return index;
    }
    index += letter.length;
  }
  return index;
}

/** How many bytes of UTF-8 a text is. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (const letter of text) {
    bytes += bytesOf(letter);
  }
  return bytes;
}

/** Bytes of one code point; a lone surrogate is sent as U+FFFD, which has three. */
function bytesOf(letter: string): number {
  const code = letter.codePointAt(0) ?? 0;
  if (code < 0x80) {
    return 1;
  }
  if (code < 0x800) {
    return 2;
  }
  return code < 0x10000 ? 3 : 4;
}
