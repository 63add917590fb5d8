// What a page told a person: messages in it, and the browser's own notifications. It must not know of what.

import type { Locator, Page } from "playwright-core";
import type { Visit } from "./browser.ts";

/** The messages at the corner. */
export function messages(page: Page): Locator {
  return page.getByRole("region", { name: /^Notifications/ });
}

/** Lets the site notify, and keeps what it says. */
export async function notified(visit: Visit): Promise<void> {
  await visit.context.grantPermissions(["notifications"], { origin: visit.server.endpoint });
  await visit.context.addInitScript(() => {
    const told: string[] = [];
    const Real = window.Notification;
    const kept: Notification[] = [];
    Reflect.set(window, "told", told);
    Reflect.set(window, "kept", kept);
    class Kept extends Real {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        told.push(`${title}: ${options?.body ?? ""}`);
        kept.push(this);
      }
    }
    window.Notification = Kept;
  });
}

export function told(page: Page): Promise<string[]> {
  return page.evaluate(() => Reflect.get(window, "told") as string[]);
}

/** A click on the newest notification. */
export async function press(page: Page): Promise<void> {
  await page.evaluate(() => {
    const kept = Reflect.get(window, "kept") as Notification[];
    kept.at(-1)?.dispatchEvent(new Event("click"));
  });
}

/** Another tab or window is in front of it, or no longer. */
export async function covered(page: Page, yes: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, "visibilityState", {
      configurable: true,
      get: () => (hidden ? "hidden" : "visible"),
    });
    document.dispatchEvent(new Event("visibilitychange"));
  }, yes);
}
