// What a screen reader is told of an answer that is being written: whole sentences, not tokens.
// It must not know when it is asked.

/** Letters that are said at once; more waits for the next time. */
const SAID_MAX = 600;

export interface Said {
  /** How much of the text has been said. */
  readonly upTo: number;
  readonly words: string;
}

/** The whole sentences after `from`; all that there is once the answer is over. */
export function nextSentences(text: string, from: number, over: boolean): Said {
  const begin = Math.min(from, text.length);
  const rest = text.slice(begin, begin + SAID_MAX);
  const whole = over && begin + rest.length === text.length ? rest.length : endOfSentence(rest);
  const upTo = begin + (whole === 0 && rest.length === SAID_MAX ? SAID_MAX : whole);
  return { upTo, words: spoken(text.slice(begin, upTo)) };
}

function endOfSentence(text: string): number {
  let end = 0;
  for (const found of text.matchAll(/[.!?:;。！？](?=\s)|\n/g)) {
    end = found.index + found[0].length;
  }
  return end;
}

/** Markdown without its signs. */
export function spoken(markdown: string): string {
  return markdown
    .replace(/^\s*(```|~~~).*$/gm, " ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*[|:\-\s]+$/gm, " ")
    .replace(/^\s{0,3}(#{1,6}|>|[-*+])\s+/gm, "")
    .replace(/[*_`|~]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
