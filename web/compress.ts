// Writes the compressed forms of what was built beside it; it knows nothing about who serves them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

// Everything else in a page is compressed already.
const TEXT = /\.(html|js|css|svg|json|webmanifest|txt|wasm)$/;
// Below this, what is saved is less than the headers that say so.
const SMALL = 512;

// The last thing that a build does: the server takes `NAME.br` and `NAME.gz` in beside NAME.
export function compress(): Plugin {
  let folder = "";
  return {
    name: "compress",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    writeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (entry.isFile() && TEXT.test(entry.name)) compressFile(join(entry.parentPath, entry.name));
      }
    },
  };
}

function compressFile(path: string): void {
  const plain = readFileSync(path);
  if (plain.length < SMALL) return;
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
  writeFileSync(`${path}.br`, brotliCompressSync(plain, { params: size }));
  writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
}
