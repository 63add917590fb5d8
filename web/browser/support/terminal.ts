// What a person does in terminals, and what they see of them. It must not know what a test wants of it.

import type { Locator, Page } from "playwright-core";

/** Lets terminals tell screen readers what they show, which is how a test reads them, too. */
export async function readable(page: Page): Promise<void> {
  await page.addInitScript(() => {
    // An empty page has no storage.
    if (location.protocol === "about:") return;
    const settings = JSON.parse(localStorage.getItem("mosaic.settings") ?? "{}");
    localStorage.setItem("mosaic.settings", JSON.stringify({ ...settings, screenReader: true }));
  });
}

/** A new shell, ready to be typed into. */
export async function openShell(page: Page): Promise<void> {
  const panel = page.getByRole("region", { name: "Terminals" });
  await panel.getByRole("button", { name: "New terminal", exact: true }).first().click();
  await prompt(page).waitFor({ state: "attached" });
  await prompt(page).focus();
}

/** Where keys go. */
export function prompt(page: Page): Locator {
  return page.locator(".xterm-helper-textarea:visible, .xterm-helper-textarea").last();
}

/** What the last terminal shows. */
export async function screen(page: Page): Promise<string> {
  const rows = page.locator(".xterm-accessibility-tree").last().locator("> div");
  return (await rows.allInnerTexts()).join("\n");
}

/** Waits until the terminal shows it. */
export async function shows(page: Page, text: string | RegExp): Promise<void> {
  await page
    .locator(".xterm-accessibility-tree")
    .last()
    .filter({ hasText: text })
    .waitFor({ state: "attached", timeout: 30_000 });
}
