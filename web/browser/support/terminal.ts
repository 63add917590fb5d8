// What a person does in terminals, and what they see of them. It must not know what a test wants of it.

import type { BrowserContext, Locator, Page } from "playwright-core";
import type { Visit } from "./browser.ts";

/** Lets terminals tell screen readers what they show, which is how a test reads them, too. */
export async function readable(where: Page | BrowserContext): Promise<void> {
  await where.addInitScript(() => {
    // An empty page has no storage.
    if (location.protocol === "about:") return;
    const settings = JSON.parse(localStorage.getItem("mosaic.settings") ?? "{}");
    localStorage.setItem("mosaic.settings", JSON.stringify({ ...settings, screenReader: true }));
  });
}

/** A new shell, ready to be typed into. */
export async function openShell(page: Page): Promise<void> {
  const all = tabs(page).getByRole("tab");
  const before = await all.count();
  await tool(page, "New terminal").click();
  await all.nth(before).waitFor();
  // Other tabs may come meanwhile; the new one has the keys.
  await page.locator(".xterm-helper-textarea:focus").waitFor({ state: "attached" });
}

/** Where keys go. */
export function prompt(page: Page): Locator {
  return page.locator(".xterm-helper-textarea").last();
}

/** A page that is signed in, with a shell at its prompt. */
export async function atShell(visit: Visit): Promise<Page> {
  await readable(visit.context);
  const page = await visit.signIn();
  await openShell(page);
  await shows(page, "$");
  return page;
}

/** Types a line into what has the focus. */
export async function run(page: Page, line: string): Promise<void> {
  await page.keyboard.type(`${line}\r`);
}

/** The tabs' row. */
export function tabs(page: Page): Locator {
  return page.getByRole("tablist", { name: "Open terminals" });
}

export function tab(page: Page, name: string | RegExp): Locator {
  return tabs(page).getByRole("tab", { name });
}

/** The first word of each tab, its terminal's name, in their order. */
export async function names(page: Page): Promise<string[]> {
  const faces = await tabs(page).getByRole("tab").allInnerTexts();
  return faces.map((face) => face.trim().split(/\s/)[0] ?? "");
}

/** The tab that is shown. */
export function shownTab(page: Page): Locator {
  return tabs(page).getByRole("tab", { selected: true });
}

/** What shows the terminal of that name. */
export function view(page: Page, name: string): Locator {
  return page.getByRole("region", { name: `Terminal ${name}`, exact: true });
}

/** A button of the panel. */
export function tool(page: Page, name: string): Locator {
  return page.getByRole("toolbar", { name: "Terminal actions" }).getByRole("button", { name, exact: true });
}

/** Opens a terminal that exists from the list of all. */
export async function openFromList(page: Page, name: string): Promise<void> {
  await tool(page, "All terminals").click();
  await page
    .getByRole("dialog", { name: "All terminals" })
    .getByRole("button", { name: new RegExp(`^${name}\\b`) })
    .click();
  await prompt(page).waitFor({ state: "attached" });
}

/** Chooses from a tab's menu. */
export async function chooseOfTab(page: Page, name: string, item: string): Promise<void> {
  await tab(page, name).click({ button: "right" });
  await page.getByRole("menuitem", { name: item }).click();
}

/** Where a text stands in the last terminal, in pixels of the page. */
export async function placeOf(page: Page, text: string): Promise<{ x: number; y: number }> {
  const rows = page.locator(".xterm-accessibility-tree").last().locator("> div");
  // What screen readers are told lies over what is drawn.
  return rows
    .filter({ hasText: text })
    .last()
    .evaluate((row, words) => {
      const line = document.createTreeWalker(row, NodeFilter.SHOW_TEXT).nextNode();
      const at = line?.textContent?.indexOf(words) ?? -1;
      if (!line || at < 0) throw new Error(`${words} is not in one piece`);
      const range = document.createRange();
      range.setStart(line, at);
      range.setEnd(line, at + words.length);
      const { left, top, width, height } = range.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    }, text);
}

/** What the last terminal shows. */
export async function screen(where: Page | Locator): Promise<string> {
  const rows = where.locator(".xterm-accessibility-tree").last().locator("> div");
  return (await rows.allInnerTexts()).join("\n");
}

/** Waits until the terminal shows it. */
export async function shows(where: Page | Locator, text: string | RegExp): Promise<void> {
  await where
    .locator(".xterm-accessibility-tree")
    .last()
    .filter({ hasText: text })
    .waitFor({ state: "attached", timeout: 30_000 });
}

/** A program that asks what the terminal is, and counts the answers. */
export const ASK = `printf '\\033[c'; n=0; while IFS= read -rsd c -t $((n ? 1 : 20)) a; do n=$((n+1)); done; echo "answers"": $n"`;
