// How agents, jobs, usage, tokens and their dialogs look: nothing that axe finds, in two themes and on a phone, and no
// text that is taken for the page's own. It must not know how the page does it.

import { rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { back, choose, detail, look, panel, row, spawn, spawnForm } from "./support/agents.ts";
import { violations } from "./support/axe.ts";
import { ask, finished } from "./support/chat.ts";
import { repository } from "./support/repository.ts";
import { suite } from "./support/suite.ts";
import { wear } from "./support/theme.ts";

const { server, visit } = suite();
const PHONE = { width: 390, height: 844 };
const EVIL = `<img src=x onerror="window.stolen=1">`;
let work = "";

beforeAll(async () => {
  const it = server();
  work = repository(EVIL);
  await spawn(it, "built", "echo it is bui''lt", "--label", "ticket=4711", "--attempts", "2");
  await spawn(it, "broken", "echo so it go''es; exit 3");
  await spawn(it, "serves", "echo listening on 127.0.0.1:8080; sleep 600", "--priority", "8");
  await spawn(it, "waits", "make test", "--depends-on", "serves");
  await spawn(it, "asks", "Deploy to production?", "--profile", "asks");
  const evil = `printf '%s' '${EVIL}'; sleep 600`;
  await spawn(it, EVIL, evil, "--repository", work, "--label", `${EVIL}=${EVIL}`);
  await it.mosaic("job", "wait", "broken").catch(() => {});
  return () => rmSync(dirname(work), { recursive: true, force: true });
});

/** Looks at it in both themes; on a phone in one. */
async function clean(page: Page, what: string): Promise<void> {
  const shots = process.env.MOSAIC_TEST_SHOTS;
  for (const theme of page.viewportSize()?.width === PHONE.width ? ["light"] : ["dark", "light"]) {
    await wear(page, theme);
    const found = await violations(page);
    const serious = found.filter((text) => !text.includes("(moderate)"));
    expect(serious, `${what}, ${theme}`).toEqual([]);
    const wide = (page.viewportSize()?.width ?? 0) > 500 ? "desktop" : "phone";
    if (shots)
      await page.screenshot({ path: `${shots}/look-${what.replaceAll(/\W+/g, "-")}-${wide}-${theme}.png` });
  }
}

/** Each thing that the agents' part shows. */
async function everything(page: Page): Promise<void> {
  await row(page, "asks").getByText("Needs input").waitFor();
  await clean(page, "list");
  await look(page, "asks");
  await detail(page).getByRole("button", { name: "Answer y" }).waitFor();
  await clean(page, "question");
  await back(page);
  await look(page, "serves", "Log");
  await detail(page).getByText("listening on").first().waitFor();
  await clean(page, "log");
  await detail(page).getByRole("tab", { name: "Terminal" }).click();
  await detail(page).locator(".xterm-screen").waitFor();
  await clean(page, "terminal of an agent");
  await detail(page).getByRole("button", { name: "Kill", exact: true }).click();
  await page.getByRole("dialog", { name: "Kill serves?" }).waitFor();
  await clean(page, "kill");
  await page.keyboard.press("Escape");
  await back(page);
  await choose(page, "Jobs");
  await clean(page, "jobs");
  await choose(page, "Events");
  await panel(page).getByText("broken failed").first().waitFor();
  await clean(page, "events");
  await choose(page, "Agents");
  const form = await spawnForm(page);
  await form.getByRole("button", { name: /^More/ }).click();
  await form.getByRole("button", { name: "Add a variable" }).click();
  await form.getByRole("button", { name: "Spawn", exact: true }).click();
  await form.getByText(/say what to do/i).waitFor();
  await clean(page, "spawn");
  await form.getByRole("button", { name: "Cancel" }).click();
  await panel(page).getByRole("button", { name: "Pause the queue" }).click();
  await page.getByRole("dialog", { name: "Pause the queue?" }).waitFor();
  await clean(page, "pause");
  await page.keyboard.press("Escape");
  await panel(page).getByRole("button", { name: "Kill all agents" }).click();
  await page.getByRole("dialog", { name: "Kill all agents?" }).waitFor();
  await clean(page, "kill all");
  await page.keyboard.press("Escape");
}

/** Usage and tokens. */
async function beyond(page: Page): Promise<void> {
  await page.goto(`${server().endpoint}/#usage`);
  await page.locator(".recharts-bar-rectangle path").first().waitFor({ state: "attached" });
  await page.getByText("Numbers by day").click();
  await clean(page, "usage");
  await page.goto(`${server().endpoint}/#tokens`);
  await page.getByRole("table").waitFor();
  await page.getByRole("switch", { name: "Show expired and revoked ones too" }).click();
  await clean(page, "tokens");
  await page.getByRole("button", { name: "New token" }).click();
  const form = page.getByRole("dialog", { name: "New token" });
  await form.getByRole("textbox", { name: "Name" }).fill(EVIL);
  await clean(page, "new token");
  await form.getByRole("button", { name: "Make the token" }).click();
  const made = page.getByRole("dialog", { name: "The token is made" });
  await made.waitFor();
  // Nothing of a secret in a picture.
  await made.locator("[data-secret]").evaluate((it) => {
    it.textContent = "mosaic_…";
  });
  await clean(page, "secret");
  await made.getByRole("button", { name: "Done" }).click();
}

/** Nothing of it is wider than the screen. */
async function fits(page: Page): Promise<void> {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wide).toBeLessThanOrEqual(0);
}

test("axe finds nothing among the agents, their dialogs, usage and tokens, in two themes", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Say it", "fake/quick");
  await finished(page);
  await everything(page);
  await beyond(page);
});

test("the same on a phone, and nothing is wider than it", async () => {
  const page = await (await visit(PHONE)).signIn();
  await page
    .getByRole("navigation")
    .getByRole("button", { name: /Agents$/ })
    .click();
  await everything(page);
  await fits(page);
  await beyond(page);
  await fits(page);
});

test("nothing that others wrote is taken for the page's own", async () => {
  const person = await visit();
  const page = await person.signIn();
  await row(page, EVIL).getByText("Running").waitFor();
  await row(page, EVIL).locator("span").filter({ hasText: EVIL }).nth(1).waitFor();
  await look(page, EVIL);
  await detail(page).getByText(work, { exact: true }).waitFor();
  await detail(page).getByRole("tab", { name: "Log" }).click();
  await detail(page).getByRole("region", { name: "Log", exact: true }).getByText(EVIL).waitFor();
  await server().mosaic("queue", "pause", "--reason", EVIL);
  await back(page);
  await panel(page).getByText(`The queue is paused. ${EVIL}`).waitFor();
  await server().mosaic("queue", "resume");
  await server().mosaic("token", "create", EVIL, "--role", "viewer");
  await server().mosaic("agent", "kill", EVIL, "--reason", EVIL);
  await page.getByText(`${EVIL} was cancelled`).first().waitFor();
  await choose(page, "Jobs");
  await panel(page).getByRole("list", { name: "Jobs" }).getByText(EVIL).first().waitFor();
  await choose(page, "Events");
  await panel(page).getByRole("list", { name: "Events" }).getByText(EVIL).first().waitFor();
  await page.goto(`${server().endpoint}/#tokens`);
  await page.getByRole("row").getByText(EVIL).first().waitFor();
  expect(
    await page.evaluate(() => [Reflect.get(window, "stolen"), document.querySelectorAll("img").length]),
  ).toEqual([undefined, 0]);
});
