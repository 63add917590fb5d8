// A Markdown text cut into blocks that mean the same alone, so that a long answer that grows is drawn anew only at its end.
// It must not know how blocks are drawn.

/** A fence: its letters, and what follows them. */
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
/** What goes on with a list or a quote: an item, or an indented line. */
const CONTINUES = /^(?: {2,}|\t| {0,1}(?:[-*+]|\d{1,9}[.)])(?:\s|$))/;
const LIST = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
const DEFINITION = /^ {0,3}\[[^\]\n]{1,200}\]:\s*\S+/;
/** A footnote means something only where it is defined. */
const FOOTNOTE = /^ {0,3}\[\^[^\]\s]+\]:/;

/**
 * The blocks, in order: joined, they are the text again. All but the last stay as they are while text comes at the end,
 * once a blank line and a line behind it are there.
 */
export function blocksOf(text: string): readonly string[] {
  const blocks: string[] = [];
  let start = 0;
  let at = 0;
  let fence: string | undefined;
  let blank = false;
  let list = false;
  while (at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline + 1;
    const line = text.slice(at, newline < 0 ? text.length : newline);
    const empty = line.trim() === "";
    // Footnotes are collected over the whole text.
    if (fence === undefined && FOOTNOTE.test(line)) {
      return [text];
    }
    if (fence === undefined && blank && !empty && !(list && CONTINUES.test(line)) && !isIndented(line)) {
      blocks.push(text.slice(start, at));
      start = at;
      list = false;
    }
    if (start === at && !empty) {
      list = LIST.test(line);
    }
    fence = fenceAfter(fence, line, list);
    blank = empty && fence === undefined;
    at = end;
  }
  if (start < text.length) {
    blocks.push(text.slice(start));
  }
  return blocks;
}

/** Definitions of links, which blocks elsewhere may need. */
export function definitionsOf(text: string): string {
  if (!text.includes("]:")) {
    return "";
  }
  const lines: string[] = [];
  let fence: string | undefined;
  for (const line of text.split("\n")) {
    if (fence === undefined && DEFINITION.test(line)) {
      lines.push(line);
    }
    fence = fenceAfter(fence, line, false);
  }
  return lines.slice(0, 200).join("\n");
}

/** True if it ends within a fence: what is put behind it would be code. */
export function endsInCode(block: string): boolean {
  let fence: string | undefined;
  for (const line of block.split("\n")) {
    // As in lists: rather too often than code that nobody wrote.
    fence = fenceAfter(fence, line, LIST.test(block));
  }
  return fence !== undefined;
}

function fenceAfter(fence: string | undefined, line: string, list: boolean): string | undefined {
  const found = FENCE.exec(list ? line.trimStart() : line);
  if (!found) {
    return fence;
  }
  const [, letters = "", rest = ""] = found;
  if (fence === undefined) {
    // Behind backticks there is no backtick: that is code in a line.
    return letters.startsWith("`") && rest.includes("`") ? undefined : letters;
  }
  const closes = letters.startsWith(fence[0] ?? "") && letters.length >= fence.length && rest.trim() === "";
  return closes ? undefined : fence;
}

function isIndented(line: string): boolean {
  return line.startsWith("    ") || line.startsWith("\t");
}
