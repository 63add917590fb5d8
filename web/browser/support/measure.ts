// What a person's eyes and fingers find wrong with where things stand: cut, covered, beside the page, too small. It
// must not know the views.

import type { Page } from "playwright-core";

/** Everything that is not in its place, in words; nothing if all is well. */
export function misplaced(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const CONTROLS = "button, a[href], input:not([type=hidden]), textarea, select, [role=tab], [role=switch]";
    const wrong: string[] = [];
    const words = (each: Element) =>
      `<${each.tagName.toLowerCase()} class="${each.className}"> ${each.getAttribute("aria-label") ?? each.textContent?.slice(0, 40)}`;
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) wrong.push(`the page is ${scrollWidth} wide in ${clientWidth}`);
    // Xterm's own elements lie where it puts them, and what screen readers alone get lies nowhere.
    const seen = (each: Element) =>
      each.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
      !each.closest(".xterm, .visually-hidden, [inert], [aria-hidden=true]") &&
      !getComputedStyle(each).clipPath.startsWith("inset(50%");
    const shownPart = (each: Element) => {
      const box = each.getBoundingClientRect();
      const part = { left: box.left, top: box.top, right: box.right, bottom: box.bottom };
      let scrolls = false;
      for (let at = each.parentElement; at; at = at.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(at);
        if (overflowX === "visible" && overflowY === "visible") continue;
        const clip = at.getBoundingClientRect();
        scrolls ||= /auto|scroll/.test(overflowX + overflowY);
        part.left = Math.max(part.left, clip.left);
        part.top = Math.max(part.top, clip.top);
        part.right = Math.min(part.right, clip.right);
        part.bottom = Math.min(part.bottom, clip.bottom);
      }
      return { box, part, scrolls };
    };
    for (const each of document.querySelectorAll<HTMLElement>(CONTROLS)) {
      if (!seen(each)) continue;
      const { box, part, scrolls } = shownPart(each);
      if (box.width === 0 || box.height === 0) continue;
      const cut =
        part.left > box.left + 1 ||
        part.right < box.right - 1 ||
        part.top > box.top + 1 ||
        part.bottom < box.bottom - 1;
      const beside =
        box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1;
      if ((cut || beside) && !scrolls) wrong.push(`${cut ? "cut" : "beside the page"}: ${words(each)}`);
      const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
      if (x <= part.left || x >= part.right || y <= part.top || y >= part.bottom) continue;
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
      const hit = document.elementFromPoint(x, y);
      // Below a dialog everything is covered, which is what a dialog is for.
      if (
        !hit ||
        each.contains(hit) ||
        hit.contains(each) ||
        hit.closest("[role=dialog], [role=alertdialog]")
      )
        continue;
      if (hit.closest("label")?.contains(each) || getComputedStyle(each).pointerEvents === "none") continue;
      if (document.querySelector("[role=dialog], [role=alertdialog]")) continue;
      wrong.push(`covered by ${words(hit)}: ${words(each)}`);
    }
    for (const each of document.querySelectorAll<HTMLElement>("body *")) {
      const style = getComputedStyle(each);
      const own = [...each.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim(),
      );
      if (!own || !seen(each) || style.overflowX !== "hidden" || style.textOverflow === "ellipsis") continue;
      if (each.scrollWidth > each.clientWidth + 1 && style.display !== "inline")
        wrong.push(`text cut: ${words(each)}`);
    }
    return wrong;
  });
}

/** Controls that a finger may miss: smaller than so many pixels, with what is touched around them. */
export function small(page: Page, least: number): Promise<string[]> {
  return page.evaluate((pixels) => {
    const wrong: string[] = [];
    const dialog = document.querySelector("[role=dialog], [role=alertdialog]");
    const controls = (dialog ?? document).querySelectorAll<HTMLElement>(
      "button, input, select, [role=tab], [role=switch]",
    );
    for (const each of controls) {
      // A word in a sentence may be as small as the sentence.
      const near = [...(each.parentElement?.childNodes ?? [])];
      if (near.some((node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim())) continue;
      if (!each.checkVisibility() || each.closest(".xterm, [inert], [aria-hidden=true], .visually-hidden"))
        continue;
      const style = getComputedStyle(each);
      if (
        each.matches(".visually-hidden, [type=hidden], [type=file]") ||
        style.clipPath.startsWith("inset(50%")
      )
        continue;
      const box = (each.closest("label") ?? each).getBoundingClientRect();
      const around = getComputedStyle(each, "::after");
      const more = (side: string) =>
        around.content !== "none" && around.position === "absolute"
          ? Math.max(0, -Number.parseFloat(around.getPropertyValue(side)) || 0)
          : 0;
      const width = box.width + more("left") + more("right");
      const height = box.height + more("top") + more("bottom");
      if (box.width > 0 && (width < pixels - 0.5 || height < pixels - 0.5))
        wrong.push(
          `${Math.round(width)} x ${Math.round(height)}: ${each.getAttribute("aria-label") ?? each.textContent?.slice(0, 40)} <${each.tagName.toLowerCase()} class="${each.className}">`,
        );
    }
    return wrong;
  }, least);
}
