// Where terminals are shown: beside each other, in a panel that grows and fills the page. It must not know how programs learn of it.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";
import { atShell, chooseOfTab, names, run, screen, shows, tool, view } from "./support/terminal.ts";

const { server, visit } = suite();

/** Rows and columns as the program in this terminal is told them. */
async function told(name: string): Promise<[rows: number, cols: number]> {
  const list: { terminals?: { name: string; rows: number; cols: number }[] } = JSON.parse(
    await server().mosaic("--json", "term", "ls"),
  );
  const { rows = 0, cols = 0 } = list.terminals?.find((each) => each.name === name) ?? {};
  return [rows, cols];
}

async function settled(name: string, fits: (rows: number, cols: number) => boolean): Promise<void> {
  await expect.poll(async () => fits(...(await told(name))), { timeout: 15_000 }).toBe(true);
}

/** The panel's height in pixels. */
async function height(page: Page): Promise<number> {
  return (await page.getByRole("region", { name: "Terminals", exact: true }).boundingBox())?.height ?? 0;
}

test("a terminal is split, each pane has its own keys and size, and a reload shows them again", async () => {
  const page = await atShell(await visit());
  const [first = ""] = await names(page);
  const [, wide] = await told(first);
  await page.keyboard.press("Control+Shift+Digit5");
  const panes = page.getByRole("region", { name: /^Terminal / }).and(page.locator("section"));
  await expect.poll(() => panes.count()).toBe(2);
  await shows(panes.nth(1), "$");
  const second = ((await panes.nth(1).getAttribute("aria-label")) ?? "").replace("Terminal ", "");
  await settled(first, (_, cols) => cols < wide / 1.8);
  await run(page, "echo at the ri''ght");
  await shows(view(page, second), "at the right");
  await page.keyboard.press("Control+Shift+ArrowUp");
  await run(page, "echo at the le''ft");
  await shows(view(page, first), "at the left");
  expect(await screen(view(page, second))).not.toContain("left");
  // The border between them, by keyboard.
  const [, before] = await told(first);
  await page.getByRole("separator", { name: "Resize panes" }).focus();
  for (let n = 0; n < 3; n++) await page.keyboard.press("ArrowRight");
  await settled(first, (_, cols) => cols > before);
  await page.reload();
  await shows(view(page, first), "at the left");
  await shows(view(page, second), "at the right");
  await chooseOfTab(page, first, "Into a tab of its own");
  await expect.poll(() => names(page)).toHaveLength(2);
  await expect.poll(() => panes.count()).toBe(1);
  await settled(first, (_, cols) => cols === wide);
});

test("the panel grows by its border, fills the page and hides, and the program is told each time", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  await run(page, "trap 'echo now it is $(stty size)' WINCH; stty size");
  await shows(page, /\d+ \d+/);
  const [rows, cols] = await told(name);
  const border = page.getByRole("separator", { name: "Resize terminals" });
  const at = await border.boundingBox();
  if (!at) throw new Error("no border");
  await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
  await page.mouse.down();
  await page.mouse.move(at.x + at.width / 2, at.y - 150, { steps: 5 });
  await page.mouse.up();
  await settled(name, (now) => now > rows + 5);
  const high = await height(page);
  await border.focus();
  await page.keyboard.press("ArrowUp");
  await expect.poll(() => height(page)).toBeGreaterThan(high);
  await tool(page, "Maximize panel").click();
  await settled(name, (now, wide) => now > 40 && wide > cols + 20);
  await view(page, name).click();
  await page.keyboard.press("Enter");
  const [tall, wide] = await told(name);
  await shows(page, `now it is ${tall} ${wide}`);
  // The window.
  await page.setViewportSize({ width: 1100, height: 700 });
  await settled(name, (now, less) => now < tall && less < wide);
  await page.keyboard.press("Enter");
  const [less, narrow] = await told(name);
  await shows(page, `now it is ${less} ${narrow}`);
  await page.reload();
  await shows(page, `now it is ${less} ${narrow}`);
  await tool(page, "Restore panel size").click();
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  await tool(page, "Hide panel").click();
  await view(page, name).waitFor({ state: "detached" });
  await page.getByRole("button", { name: /running terminal/ }).click();
  // Who opens the panel wants to type there.
  const typing = () => page.evaluate(() => document.activeElement?.matches(".xterm-helper-textarea"));
  await expect.poll(typing).toBe(true);
  await run(page, "echo sh''own");
  await shows(page, "shown");
  // While the panel opens it is low for a moment, which is nobody's business.
  expect(await screen(page)).not.toMatch(/now it is 1 /);
});
