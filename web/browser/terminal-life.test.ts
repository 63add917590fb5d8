// A terminal's past and end: what is read again after a reload, older output, exit and restart. It must not know the log.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";
import { atShell, names, prompt, run, screen, shownTab, shows, tool, view } from "./support/terminal.ts";

const { visit } = suite();

async function numbers(page: Page): Promise<number[]> {
  return (await screen(page))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^\d+$/.test(line))
    .map(Number);
}

test("older output than the screen holds comes from the log when it is asked for, in order", async () => {
  const page = await atShell(await visit());
  await run(page, "seq 1 60000; echo en''ded");
  await shows(page, "ended");
  await page.reload();
  await shows(page, "ended");
  const more = page.getByRole("button", { name: "Load earlier output" });
  await prompt(page).focus();
  await page.keyboard.press("Control+Shift+Home");
  await more.waitFor();
  const before = (await numbers(page))[0] ?? 0;
  expect(before).toBeGreaterThan(10_000);
  await more.click();
  await prompt(page).focus();
  const top = async () => {
    await page.keyboard.press("Control+Shift+Home");
    return (await numbers(page))[0] ?? before;
  };
  await expect.poll(top, { timeout: 20_000 }).toBeLessThan(20);
  const shown = await numbers(page);
  expect(shown).toEqual(shown.map((_, n) => (shown[0] ?? 0) + n));
  expect(await more.count()).toBe(0);
  // What is typed goes on at the end.
  await run(page, "echo sti''ll");
  await shows(page, "still");
});

test("an end says how, and a restart runs the same again in its place", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  await run(page, "exit 3");
  await view(page, name)
    .getByText(/^Exited with code 3 after/)
    .waitFor();
  await shownTab(page)
    .getByText(/^(ended: )?3$/)
    .waitFor();
  await prompt(page).focus();
  await page.keyboard.type("x");
  await page.getByText(/nobody reads what is typed/).waitFor();
  await view(page, name).getByRole("button", { name: "Restart" }).click();
  await page.getByText(/^Exited with code/).waitFor({ state: "detached" });
  await shows(page, "$");
  await expect.poll(() => prompt(page).evaluate((area) => area === document.activeElement)).toBe(true);
  await run(page, "echo ag''ain; kill -9 $$");
  await shows(page, "again");
  await view(page, name)
    .getByText(/^Ended by SIGKILL/)
    .waitFor();
  await page.reload();
  await view(page, name)
    .getByText(/^Ended by SIGKILL/)
    .waitFor();
  await shows(page, "again");
  await view(page, name).getByRole("button", { name: "Close" }).click();
  await page.getByText("No terminal is open").waitFor();
});

test("a command of one's own runs where it is told to, and its failure is said", async () => {
  const page = await atShell(await visit());
  const dialog = page.getByRole("dialog", { name: "New terminal" });
  const ask = async () => {
    await tool(page, "More ways to open a terminal").click();
    await page.getByRole("menuitem", { name: "New terminal with a command" }).click();
  };
  await ask();
  await dialog.getByLabel("Command line").fill("pwd; sleep 100");
  await dialog.getByLabel("Working directory").fill("usr");
  await dialog.getByText("An absolute path begins with /.").waitFor();
  await dialog.getByLabel("Working directory").fill("/usr/lib");
  await dialog.getByLabel("Name").fill("of-my-own");
  await dialog.getByLabel("Name").press("Enter");
  await shows(view(page, "of-my-own"), "/usr/lib");
  await ask();
  await dialog.getByLabel("Name").fill("of-my-own");
  await dialog.getByLabel("Name").press("Enter");
  await dialog.getByRole("alert").waitFor();
  await page.keyboard.press("Escape");
  // A command of one's own is something that runs.
  await tool(page, "Close terminal").click();
  await page
    .getByRole("alertdialog")
    .getByText(/still running/)
    .waitFor();
});

test("a program that fills the screen shows the same screen after a reload, and goes on", async () => {
  const page = await atShell(await visit());
  await run(page, "seq 1 500 >/tmp/mosaic-lines-$$; vi -u NONE /tmp/mosaic-lines-$$");
  await shows(page, /^1\s*2\s*3\s*4/);
  await page.keyboard.type("250Gzt");
  await shows(page, /^250\s*251\s*252/);
  await page.keyboard.type("ofrom before");
  await page.keyboard.press("Escape");
  await shows(page, "from before");
  const before = await screen(page);
  await page.reload();
  await shows(page, "from before");
  await expect.poll(() => screen(page)).toBe(before);
  await prompt(page).focus();
  await page.keyboard.type("ofrom behind");
  await page.keyboard.press("Escape");
  await shows(page, /from before\s*from behind/);
  await page.keyboard.type(":q!\r");
  await shows(page, "$");
  expect(await screen(page)).not.toContain("from");
});

test("a screen of its own is still one after much output and a reload", async () => {
  const page = await atShell(await visit());
  await run(
    page,
    "printf '\\033[?1049h\\033[?25l'; seq 1 60000; printf 'on the ot''her'; read -r; printf '\\033[?1049l\\033[?25h'",
  );
  await shows(page, "on the other");
  await page.reload();
  await shows(page, "on the other");
  await prompt(page).focus();
  await page.keyboard.press("Enter");
  await shows(page, "$");
  expect(await screen(page)).not.toContain("on the other");
});
