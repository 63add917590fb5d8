// The tests in a real Chromium against a real server: `npm run test:browser`.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["browser/**/*.test.ts"],
    // Most of the time is waiting; each file has a server and a browser of its own.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    retry: 0,
    // A machine that is busy is no fault of the page's.
    expect: { poll: { timeout: 15_000 } },
  },
});
