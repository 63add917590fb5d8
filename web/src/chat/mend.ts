// The end of a Markdown text that is still being written, closed so that it already looks like what it will become.
// It must not know how it is drawn, and changes nothing but the last block.

/** What a block that is being written is drawn as. */
export function mended(block: string): string {
  if (inFence(block)) {
    return block;
  }
  const table = mendedTable(block);
  return table ?? mendedLine(block);
}

/** True if the block is code whose fence is not closed; Markdown draws it as code to the end. */
function inFence(block: string): boolean {
  return /^ {0,3}(`{3,}[^`]*|~{3,}.*)(\n|$)/.test(block);
}

/** A table whose second line is not whole; undefined: it is none. */
function mendedTable(block: string): string | undefined {
  const lines = block.split("\n");
  const header = lines[0] ?? "";
  if (!/^ {0,3}\|.*\S/.test(header)) {
    return undefined;
  }
  const columns = cellsOf(header);
  const second = (lines[1] ?? "").trim();
  const delimiter = `|${" --- |".repeat(columns)}`;
  if (lines.length === 1) {
    return `${closedRow(header)}\n${delimiter}`;
  }
  if (lines.length === 2 && /^[|\s:-]*$/.test(second)) {
    const whole = cellsOf(second) === columns && /-\s*:?\s*\|?$/.test(second);
    return whole ? block : `${header}\n${delimiter}`;
  }
  return block;
}

function closedRow(row: string): string {
  const trimmed = row.trimEnd();
  return trimmed.endsWith("|") && trimmed.length > 1 ? trimmed : `${trimmed} |`;
}

/** Cells of a row that begins with a bar. */
function cellsOf(row: string): number {
  const inner = row
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).length;
}

/** Emphasis, code and links that are open on the last line. */
function mendedLine(block: string): string {
  const from = block.lastIndexOf("\n") + 1;
  const line = block.slice(from);
  // A fence, a rule, a heading or an item that may come.
  if (/^\s*(`{1,2}|~{1,2}|[-*+]|#{1,6}|\d{1,9}[.)]?|>)\s*$/.test(line)) {
    return block.slice(0, from);
  }
  return block.slice(0, from) + mendedSpans(line);
}

function mendedSpans(line: string): string {
  const code = openCode(line);
  if (code !== undefined) {
    const rest = line.slice(code.at + code.ticks.length);
    return rest.trim() === "" ? line.slice(0, code.at) : line + code.ticks;
  }
  const link = /(!?)\[([^\][]*)(?:\](?:\([^()\s]*)?)?$/.exec(line);
  const text = link ? line.slice(0, link.index) + (link[2] ?? "") : line;
  return closedStars(text);
}

/** Where code in a line begins that does not end. */
function openCode(line: string): { at: number; ticks: string } | undefined {
  const runs = [...line.matchAll(/`+/g)];
  let index = 0;
  while (index < runs.length) {
    const open = runs[index];
    const close = runs.findIndex((run, other) => other > index && run[0] === open?.[0]);
    if (close < 0) {
      return open ? { at: open.index, ticks: open[0] } : undefined;
    }
    index = close + 1;
  }
  return undefined;
}

function closedStars(text: string): string {
  const bare = text.replace(/(`+)[^`]*\1/g, (code) => "x".repeat(code.length));
  const strong = (bare.match(/\*\*/g) ?? []).length % 2 === 1;
  if (!strong) {
    const star = bare.match(/(?<![*\\])\*(?!\*)(?=\S)/g) ?? [];
    const all = bare.match(/(?<![*\\])\*(?!\*)/g) ?? [];
    const single = star.length > 0 && all.length % 2 === 1 && !/^\s*\*\s/.test(bare);
    return single && !/\*\s*$/.test(text) ? `${text.trimEnd()}*` : text;
  }
  return /\*\*\s*$/.test(text) ? text.replace(/\*\*\s*$/, "") : `${text.trimEnd()}**`;
}
