// Lets a module ask for another one's address (`import url from "./worker.ts?chunk"`), as a chunk of the same build: what
// a worker and the page both need is then one file, which comes once. It must not know what asks.
import type { Plugin } from "vite";

const ASKED = /\.ts\?chunk$/;

export function chunk(): Plugin {
  let serving = false;
  return {
    name: "chunk",
    enforce: "pre",
    configResolved(config) {
      serving = config.command === "serve";
    },
    load: {
      filter: { id: ASKED },
      handler(id) {
        const file = id.replace(/\?chunk$/, "");
        // While it is written, every module has an address of its own: this one, but for the question.
        if (serving) return 'export default import.meta.url.replace(/\\?.*/, "");';
        const reference = this.emitFile({ type: "chunk", id: file });
        return `export default import.meta.ROLLUP_FILE_URL_${reference};`;
      },
    },
  };
}
