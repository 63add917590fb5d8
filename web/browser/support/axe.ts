// What axe finds in a page. It must not know what stands there.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { still } from "./theme.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What is worse than minor, in words. */
export async function violations(page: Page): Promise<string[]> {
  // Half faded in, a text has another contrast.
  await still(page);
  // By the debugger, which the page's policy does not bind.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  return page.evaluate(async () => {
    const axe = Reflect.get(window, "axe") as typeof import("axe-core");
    const { violations: found } = await axe.run(document, { resultTypes: ["violations"] });
    return found
      .filter(({ impact }) => impact !== "minor")
      .map(({ id, impact, nodes }) => {
        const where = nodes.map(({ html, any }) => `${html.slice(0, 200)} ${any[0]?.message ?? ""}`);
        return `${id} (${impact}): ${where.join(" | ")}`;
      });
  });
}
