// How well some words fit what was typed. It must not know what the words stand for.

/**
 * Higher is better; undefined: it does not fit. Every word that was typed must be found: at best as the beginning of a
 * word, else inside of one, else as letters in their order.
 */
export function score(query: string, text: string): number | undefined {
  const haystack = text.toLowerCase();
  let sum = 0;
  for (const word of query.toLowerCase().split(/\s+/)) {
    if (word === "") continue;
    const found = scoreWord(word, haystack);
    if (found === undefined) return undefined;
    sum += found;
  }
  // Of two that fit alike the shorter one is meant.
  return sum - Math.min(haystack.length, 200) / 1000;
}

function scoreWord(word: string, text: string): number | undefined {
  let best: number | undefined;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const starts = at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? "");
    const fit = (starts ? 3 : 2) + (at === 0 ? 0.5 : 0);
    best = Math.max(best ?? 0, fit);
    if (fit > 3) break;
  }
  return best ?? scoreLetters(word, text);
}

/** Letters in their order, not too far apart, for at least two letters. */
function scoreLetters(word: string, text: string): number | undefined {
  if (word.length < 2) return undefined;
  let at = -1;
  let first = -1;
  for (const letter of word) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return undefined;
    if (first < 0) first = at;
  }
  const spread = at - first + 1;
  return spread > word.length * 4 ? undefined : word.length / spread;
}
