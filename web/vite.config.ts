// How the page is built, and served while it is written.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { chunk } from "./chunk.ts";
import { compress } from "./compress.ts";

// `npm run dev` passes calls on to a running server: MOSAIC_ENDPOINT, or where ./run listens.
const server = process.env.MOSAIC_ENDPOINT ?? "http://127.0.0.1:50051";

export default defineConfig({
  plugins: [react(), chunk(), compress()],
  cacheDir: ".vite",
  build: {
    // The folder above is in the repository: the server's build watches it.
    outDir: "dist/page",
    target: "es2023",
    sourcemap: false,
    // Inlined files would need `data:` in the page's policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      // The server compares Origin with Host: both are its own.
      "^/mosaic\\.": { target: server, changeOrigin: true, headers: { origin: server }, secure: false },
    },
  },
});
