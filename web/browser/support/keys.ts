// Going through a page with the keyboard alone, as one who sees where the focus is. It must not know the page.

import type { Page } from "playwright-core";
import { still } from "./theme.ts";

export interface Stop {
  /** What a screen reader calls it. */
  name: string;
  role: string;
  /** Something is drawn around it, or it is where one types. */
  visible: boolean;
  inView: boolean;
  html: string;
}

/** Where the focus is. */
export function stop(page: Page): Promise<Stop> {
  return page.evaluate(() => {
    const at = document.activeElement;
    if (!(at instanceof HTMLElement) || at === document.body)
      return { name: "", role: "", visible: false, inView: false, html: "" };
    const label = at
      .getAttribute("aria-labelledby")
      ?.split(" ")
      .map((id) => document.getElementById(id)?.textContent);
    const fields = at as HTMLInputElement;
    const name =
      label?.join(" ") ||
      at.getAttribute("aria-label") ||
      fields.labels?.[0]?.textContent ||
      at.textContent ||
      at.title;
    const light = (colour: string) => {
      const paint = new OffscreenCanvas(1, 1).getContext("2d");
      if (!paint) return 0;
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      const parts = [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((part) => (part / 255) ** 2.2);
      return 0.2126 * (parts[0] ?? 0) + 0.7152 * (parts[1] ?? 0) + 0.0722 * (parts[2] ?? 0);
    };
    const ground = light(getComputedStyle(document.body).backgroundColor);
    /** As much as an outline must be told from the page: 3:1. */
    const told = (colour: string) => {
      const [low = 0, high = 0] = [light(colour), ground].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05) >= 3;
    };
    const drawn = (each: Element) => {
      const { outlineStyle, outlineWidth, outlineColor, borderTopWidth, borderTopColor } =
        getComputedStyle(each);
      const outlined = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1 && told(outlineColor);
      return outlined || (Number.parseFloat(borderTopWidth) >= 1 && told(borderTopColor));
    };
    // A caret where one types, with what it finds below it; around it, or around the field that it is in; a border between panels is drawn over.
    let visible = drawn(at) || at.matches('.xterm-helper-textarea, [role="combobox"][aria-expanded="true"]');
    for (let up = at.parentElement, n = 0; up && n < 3; up = up.parentElement, n++) visible ||= drawn(up);
    const over = getComputedStyle(at, "::after");
    visible ||=
      at.matches('[role="separator"]') &&
      over.content !== "none" &&
      over.backgroundColor !== "rgba(0, 0, 0, 0)";
    const box = at.getBoundingClientRect();
    const inView =
      box.bottom > 0 && box.right > 0 && box.top < window.innerHeight && box.left < window.innerWidth;
    const role = at.getAttribute("role") ?? at.tagName.toLowerCase();
    return { name: name.trim().slice(0, 80), role, visible, inView, html: at.outerHTML.slice(0, 160) };
  });
}

/** Presses a key until the focus is where it should be; at most so often. */
export async function goTo(page: Page, wanted: RegExp, key = "Tab", most = 80): Promise<Stop> {
  const passed: string[] = [];
  for (let n = 0; n < most; n++) {
    const at = await stop(page);
    if (wanted.test(at.name)) return at;
    passed.push(at.name || at.html);
    await page.keyboard.press(key);
  }
  throw new Error(`no ${wanted} by ${key}; passed:\n${passed.join("\n")}`);
}

/** All stops of Tab, once round. */
export async function round(page: Page, most = 120): Promise<Stop[]> {
  const stops: Stop[] = [];
  const seen = new Set<string>();
  for (let n = 0; n < most; n++) {
    await page.keyboard.press("Tab");
    // The guard at the end of a dialog hands the focus on, a moment later.
    await page.waitForFunction(
      () => !document.activeElement?.hasAttribute("data-base-ui-focus-guard"),
      undefined,
      { timeout: 5_000 },
    );
    if ((await stop(page)).html === "") continue;
    await still(page);
    const at = await stop(page);
    const again = await page.evaluate(() => {
      const known = document.activeElement?.hasAttribute("data-been") ?? false;
      document.activeElement?.setAttribute("data-been", "");
      return known;
    });
    if (again && seen.has(at.name + at.role)) break;
    seen.add(at.name + at.role);
    stops.push(at);
  }
  await page.evaluate(() => {
    for (const each of document.querySelectorAll("[data-been]")) each.removeAttribute("data-been");
  });
  return stops;
}
