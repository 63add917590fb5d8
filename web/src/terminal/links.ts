// Which addresses a terminal's text may lead to. It must not know xterm or the DOM.

const LENGTH_MAX = 4096;

/** The address if it is http or https and nothing hides in it; undefined otherwise. */
export function safeLink(text: string): string | undefined {
  if (text.length > LENGTH_MAX) {
    return undefined;
  }
  try {
    const url = new URL(text);
    // `https://bank.example@elsewhere.example` leads elsewhere than it reads.
    const plain = url.username === "" && url.password === "";
    return plain && (url.protocol === "http:" || url.protocol === "https:") ? url.href : undefined;
  } catch {
    return undefined;
  }
}
