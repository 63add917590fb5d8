// What a page wears: the theme of its settings, put on as another tab would. It must not know how the themes look.

import type { Page } from "playwright-core";

export const THEMES = ["dark", "light", "nord", "dracula", "solarized"] as const;

export async function wear(page: Page, theme: string): Promise<void> {
  await page.evaluate((name) => {
    const settings = JSON.parse(localStorage.getItem("mosaic.settings") ?? "{}");
    localStorage.setItem("mosaic.settings", JSON.stringify({ ...settings, theme: name }));
    window.dispatchEvent(new StorageEvent("storage", { key: "mosaic.settings" }));
  }, theme);
  await page.locator(`html[data-theme="${theme}"]`).waitFor();
}

/** Waits until nothing is on its way to another look. */
export async function still(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every(
        ({ playState, effect }) => playState !== "running" || effect?.getTiming().iterations === Infinity,
      ),
  );
}
