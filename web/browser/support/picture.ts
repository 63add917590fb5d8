// What stands in a picture of a page, pixel by pixel. It must not know of what it is.

import { inflateSync } from "node:zlib";

/** The rows of a PNG as browsers write it: eight bits, no interlacing; each pixel as "#rrggbb". */
export function rowsOf(png: Buffer): string[][] {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const size = png[25] === 6 ? 4 : 3;
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") data.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(data));
  const line = width * size;
  let before = Buffer.alloc(line);
  return Array.from({ length: height }, (_, y) => {
    const from = y * (line + 1);
    const row = unfiltered(raw[from] ?? 0, raw.subarray(from + 1, from + 1 + line), before, size);
    before = row;
    return Array.from({ length: width }, (_, x) => `#${row.toString("hex", x * size, x * size + 3)}`);
  });
}

function unfiltered(kind: number, line: Buffer, above: Buffer, size: number): Buffer<ArrayBuffer> {
  const row = Buffer.alloc(line.length);
  for (let at = 0; at < line.length; at++) {
    const left = row[at - size] ?? 0;
    const up = above[at] ?? 0;
    const corner = above[at - size] ?? 0;
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind] ?? 0;
    row[at] = (line[at] ?? 0) + guess;
  }
  return row;
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The colours of each row from left to right; what is narrower than so many pixels is left out. */
export function stripesOf(rows: readonly string[][], least: number): string[][] {
  return rows.map((row) => {
    const stripes: string[] = [];
    let run = 0;
    for (const [x, colour] of row.entries()) {
      run = colour === row[x - 1] ? run + 1 : 1;
      if (run === least && stripes.at(-1) !== colour) stripes.push(colour);
    }
    return stripes;
  });
}
