// Terminals without a mouse, without sight, and on a phone. It must not know what programs print.

import { expect, test } from "vitest";
import { violations } from "./support/axe.ts";
import { suite } from "./support/suite.ts";
import {
  atShell,
  chooseOfTab,
  names,
  prompt,
  readable,
  run,
  shows,
  tab,
  tool,
  view,
} from "./support/terminal.ts";

const { visit } = suite();

test("Tab belongs to the program until it is told to leave, and the page says how", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  const keys = prompt(page);
  const inside = () => keys.evaluate((area) => area === document.activeElement);
  expect(await keys.getAttribute("aria-label")).toBe(`Terminal ${name}`);
  expect(await keys.getAttribute("aria-description")).toContain(
    "Control Shift M lets Tab move the focus out",
  );
  // The shell completes.
  await page.keyboard.type("echo /usr/inclu");
  await page.keyboard.press("Tab");
  await shows(page, "/usr/include");
  expect(await inside()).toBe(true);
  await page.keyboard.press("Control+Shift+M");
  await expect.poll(() => keys.getAttribute("aria-description")).toContain("Tab moves the focus");
  await page.keyboard.press("Tab");
  expect(await inside()).toBe(false);
  await page.keyboard.press("Shift+Tab");
  await keys.focus();
  await page.keyboard.press("Shift+Tab");
  expect(await inside()).toBe(false);
  await keys.focus();
  await page.keyboard.press("Control+Shift+M");
  await page.keyboard.press("Tab");
  expect(await inside()).toBe(true);
  // The page names the keys, too.
  await tool(page, "Maximize panel").focus();
  await page.keyboard.press("?");
  await page
    .getByRole("dialog", { name: "Keyboard shortcuts" })
    .getByText("Leave it by Tab, or let the program have Tab")
    .waitFor();
});

test("screen-reader mode is chosen in the menu and reads out what comes", async () => {
  const person = await visit();
  const page = await person.signIn();
  await tool(page, "New terminal").click();
  await prompt(page).waitFor({ state: "attached" });
  expect(await page.locator(".xterm-accessibility-tree").count()).toBe(0);
  const screenBox = page.locator(".xterm-screen").last();
  await screenBox.click({ button: "right" });
  await page.getByRole("menuitemcheckbox", { name: "Screen-reader mode" }).click();
  await page.locator(".xterm-accessibility-tree").waitFor({ state: "attached" });
  await prompt(page).focus();
  await run(page, "echo read o''ut");
  await shows(page, "read out");
  await page
    .locator('.xterm-accessibility [aria-live="assertive"]')
    .filter({ hasText: "read out" })
    .waitFor({ state: "attached" });
  expect(await violations(page)).toEqual([]);
});

test("axe finds nothing serious in the terminals' dialogs, menus and lists, dark and light", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  for (const theme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    // A menu stands over the landmarks, not in one.
    const clean = async (what: string) => {
      const found = (await violations(page)).filter((each) => !/^region .*role="menu"/.test(each));
      expect(found, `${theme}, ${what}`).toEqual([]);
    };
    await tab(page, name).click({ button: "right" });
    await page.getByRole("menuitem", { name: "Rename" }).waitFor();
    await clean("the tab's menu");
    await page.keyboard.press("Escape");
    await view(page, name).click({ button: "right" });
    await page.getByRole("menuitem", { name: "Find" }).waitFor();
    await clean("the terminal's menu");
    await page.keyboard.press("Escape");
    await chooseOfTab(page, name, "Viewers");
    await page
      .getByRole("dialog")
      .getByText(/watches/)
      .waitFor();
    await clean("viewers");
    await page.keyboard.press("Escape");
    await tool(page, "More ways to open a terminal").click();
    await page.getByRole("menuitem", { name: "New terminal with a command" }).click();
    await clean("a new terminal");
    await page.keyboard.press("Escape");
    await tool(page, "All terminals").click();
    await clean("all terminals");
    await page.keyboard.press("Escape");
    await view(page, name).click();
    await page.keyboard.press("Control+Shift+F");
    await page.getByRole("search", { name: "Find in the terminal" }).getByRole("textbox").fill("$");
    await clean("the search");
    await page.keyboard.press("Escape");
    await tab(page, name).dblclick();
    await clean("a name");
    await page.keyboard.press("Escape");
  }
  await view(page, name).click();
  await run(page, "sleep 100");
  await tool(page, "Close terminal").click();
  await page.getByRole("alertdialog").waitFor();
  expect(await violations(page), "the question").toEqual([]);
});

test("a phone has the keys that it lacks in a row, and they do what they say", async () => {
  const person = await visit({ width: 390, height: 844 });
  await readable(person.context);
  const page = await person.signIn();
  await page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: "Terminals" }).click();
  await tool(page, "New terminal").click();
  await shows(page, "$");
  await prompt(page).focus();
  const row = page.getByRole("toolbar", { name: "Keys" });
  const key = (name: string) => row.getByRole("button", { name, exact: true });
  await run(page, "echo o''nce");
  await shows(page, "once");
  await key("Arrow up").click();
  await page.keyboard.press("Enter");
  await shows(page, /once.*once/s);
  await page.keyboard.type("echo /usr/inclu");
  await key("Tab").click();
  await shows(page, "/usr/include");
  await key("Home").click();
  await page.keyboard.type("#");
  await page.keyboard.press("Enter");
  await run(page, "cat -v");
  await key("Esc").click();
  await key("PgUp").click();
  await shows(page, "^[^[[5~");
  const control = key("Ctrl, for the next key");
  await control.click();
  expect(await control.getAttribute("aria-pressed")).toBe("true");
  await page.keyboard.type("c");
  await shows(page, /\^C.*\$/s);
  expect(await control.getAttribute("aria-pressed")).toBe("false");
  for (const button of await row.getByRole("button").all()) {
    const box = await button.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44);
  }
  expect(await violations(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
});
