// What axe finds: nothing serious, in every view in two themes, and in one view in all five. It must not know the views' insides.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answer, ask, finished } from "./support/chat.ts";
import { suite } from "./support/suite.ts";
import { openShell } from "./support/terminal.ts";

const { server, visit } = suite();
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const THEMES = ["dark", "light", "nord", "dracula", "solarized"];

async function wear(page: Page, theme: string): Promise<void> {
  await page.evaluate((name) => {
    const settings = JSON.parse(localStorage.getItem("mosaic.settings") ?? "{}");
    localStorage.setItem("mosaic.settings", JSON.stringify({ ...settings, theme: name }));
  }, theme);
  await page.reload();
  await page.getByRole("main").waitFor();
}

async function serious(page: Page): Promise<string[]> {
  // By the debugger, which the page's policy does not bind.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const axe = Reflect.get(window, "axe") as typeof import("axe-core");
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
  });
}

test("nothing serious in any view, in two themes", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Show me what you can", "fake/markdown");
  await finished(page);
  await answer(page).waitFor();
  await server().mosaic("agent", "spawn", "--", "sleep 30");
  await openShell(page);
  const chat = page.url();
  for (const theme of ["dark", "light"]) {
    for (const place of [chat, `${server().endpoint}/#usage`, `${server().endpoint}/#tokens`]) {
      await page.goto(place);
      await wear(page, theme);
      expect(await serious(page), `${theme} ${place}`).toEqual([]);
    }
  }
});

test("nothing serious in one view in all five themes, nor where one signs in", async () => {
  const visitor = await visit();
  const page = await visitor.signIn();
  for (const theme of THEMES) {
    await wear(page, theme);
    expect(await serious(page), theme).toEqual([]);
  }
  const out = await (await visit()).context.newPage();
  await out.goto(server().endpoint);
  await out.getByLabel(/token/i).first().waitFor();
  expect(await serious(out)).toEqual([]);
});
