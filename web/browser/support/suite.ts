// One server and one browser for the tests of a file. It must not know what they test.

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { launch, Visit, type Way } from "./browser.ts";
import { Server } from "./server.ts";

export interface Suite {
  server(): Server;
  /** A profile of its own, watched, and closed after the test. */
  visit(size?: { width: number; height: number }, way?: Way): Promise<Visit>;
}

/** `settings`: more of the server's configuration. */
export function suite(settings = ""): Suite {
  let server: Server | undefined;
  let browser: Browser | undefined;
  const visits: Visit[] = [];
  beforeAll(async () => {
    [server, browser] = await Promise.all([Server.start(settings), launch()]);
  });
  afterEach(async (test) => {
    try {
      for (const visit of visits.splice(0)) await visit.end(test.task.name);
    } finally {
      if (test.task.result?.state === "fail") console.error(server?.said());
    }
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end();
  });
  const there = <T>(it: T | undefined): T => {
    if (it === undefined) throw new Error("it is not started");
    return it;
  };
  return {
    server: () => there(server),
    async visit(size, way) {
      const visit = await Visit.begin(there(browser), there(server), size, way);
      visits.push(visit);
      return visit;
    },
  };
}
