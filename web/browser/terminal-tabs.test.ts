// Tabs of terminals: made, named, ordered, walked through and closed, by mouse and by keyboard. It must not know how they are kept.

import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";
import {
  atShell,
  chooseOfTab,
  names,
  openShell,
  prompt,
  run,
  shownTab,
  shows,
  tab,
  tabs,
  tool,
} from "./support/terminal.ts";

const { server, visit } = suite();

/** The names of the terminals that run. */
async function live(): Promise<string[]> {
  const list: { terminals?: { name: string }[] } = JSON.parse(await server().mosaic("--json", "term", "ls"));
  return (list.terminals ?? []).map(({ name }) => name);
}

test("a tab is renamed by double click and by F2, and Escape leaves its name", async () => {
  const page = await atShell(await visit());
  const [first = ""] = await names(page);
  const field = page.getByRole("textbox", { name: /^New name for/ });
  await tab(page, first).dblclick();
  await field.fill("by mouse");
  await field.press("Enter");
  await tab(page, "by mouse").waitFor();
  // With the mouse one goes on to type in it.
  await run(page, "echo ty''ped");
  await shows(page, "typed");
  await tab(page, "by mouse").focus();
  await page.keyboard.press("F2");
  await field.fill("left");
  await page.keyboard.press("Escape");
  await page.keyboard.press("F2");
  await page.keyboard.type("by-keys");
  await page.keyboard.press("Enter");
  await tab(page, "by-keys").waitFor();
  expect(await live()).toContain("by-keys");
  expect(await tab(page, "by-keys").evaluate((face) => face === document.activeElement)).toBe(true);
  // A name that is taken is refused in words, and the field stays.
  await openShell(page);
  await shownTab(page).dblclick();
  await field.fill("by-keys");
  await field.press("Enter");
  await page
    .getByRole("region", { name: "Notifications" })
    .getByText(/keeps its name/)
    .waitFor();
  await field.press("Escape");
  expect(await names(page)).toHaveLength(2);
});

test("tabs are walked through and moved, by mouse and by keyboard, and stay so", async () => {
  const page = await atShell(await visit());
  await openShell(page);
  await openShell(page);
  const [a = "", b = "", c = ""] = await names(page);
  expect(await shownTab(page).textContent()).toContain(c);
  // In a focused terminal.
  await page.keyboard.press("Control+Shift+ArrowLeft");
  await expect.poll(() => shownTab(page).textContent()).toContain(b);
  await run(page, "echo in the sec''ond");
  await shows(page, "in the second");
  await page.keyboard.press("Control+Shift+PageUp");
  await expect.poll(() => names(page)).toEqual([b, a, c]);
  // Among the tabs.
  await shownTab(page).focus();
  await page.keyboard.press("End");
  await expect.poll(() => shownTab(page).textContent()).toContain(c);
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => shownTab(page).textContent()).toContain(b);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Home");
  expect(await shownTab(page).evaluate((face) => face === document.activeElement)).toBe(true);
  await tab(page, c).dragTo(tab(page, b));
  await expect.poll(() => names(page)).toEqual([c, b, a]);
  await chooseOfTab(page, c, "Move right");
  await expect.poll(() => names(page)).toEqual([b, c, a]);
  await page.reload();
  await shows(page, "$");
  expect(await names(page)).toEqual([b, c, a]);
});

test("closing asks only when something runs, and ends it only after a yes", async () => {
  const page = await atShell(await visit());
  const question = page.getByRole("alertdialog");
  // At its prompt: nothing to ask.
  const [idle = ""] = await names(page);
  await tool(page, "Close terminal").click();
  await tabs(page).getByRole("tab").waitFor({ state: "detached" });
  expect(await question.count()).toBe(0);
  expect(await live()).not.toContain(idle);

  await openShell(page);
  await shows(page, "$");
  const [busy = ""] = await names(page);
  await run(page, "echo beg''un; sleep 1000");
  await shows(page, "begun");
  await tab(page, busy).focus();
  await page.keyboard.press("Delete");
  await question.getByText(/still running/).waitFor();
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  expect(await live()).toContain(busy);
  await tab(page, busy).click({ button: "middle" });
  await question.getByRole("button", { name: "Close terminal" }).click();
  await tabs(page).getByRole("tab").waitFor({ state: "detached" });
  expect(await live()).not.toContain(busy);
});

test("a tab closes and its terminal runs on, and comes back with what it printed meanwhile", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  await run(page, "read -r; echo went o''n");
  await chooseOfTab(page, name, "Close the tab, let it run");
  await tabs(page).getByRole("tab").waitFor({ state: "detached" });
  await server().mosaic("term", "send", name, "--enter", "x");
  await tool(page, "All terminals").click();
  const entry = page.getByRole("button", { name: new RegExp(`^${name}\\b`) });
  await page.getByRole("region", { name: "Running" }).and(page.locator("section")).locator(entry).click();
  await shows(page, "went on");
  await prompt(page).waitFor({ state: "attached" });
});
