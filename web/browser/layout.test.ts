// The page as a whole: larger and smaller, its panels, and what it says when a part of it cannot be had. It must not
// know the views' insides.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { misplaced, small } from "./support/measure.ts";
import { furnish, places, placesOfAPhone } from "./support/places.ts";
import { suite } from "./support/suite.ts";
import { openShell } from "./support/terminal.ts";

const { server, visit } = suite();

async function walk(page: Page, views: ReturnType<typeof places>, touch: boolean): Promise<string[]> {
  const found: string[] = [];
  for (const place of views) {
    await place.show(page);
    for (const wrong of await misplaced(page)) found.push(`${place.name}: ${wrong}`);
    if (touch) for (const wrong of await small(page, 44)) found.push(`${place.name}: ${wrong}`);
    await place.leave?.(page);
  }
  return found;
}

test.each([
  ["on a wide page", { width: 1440, height: 900 }, {}, places, false],
  // 1440 by 900 pixels at 200 %.
  ["at 200 %", { width: 720, height: 450 }, { deviceScaleFactor: 2 }, placesOfAPhone, false],
  ["on a tablet", { width: 820, height: 1180 }, { hasTouch: true }, places, false],
  [
    "on a phone",
    { width: 390, height: 844 },
    { hasTouch: true, isMobile: true, deviceScaleFactor: 3 },
    placesOfAPhone,
    true,
  ],
] as const)(
  "nothing is cut, covered or beside the page in any view %s",
  async (_, size, way, views, touch) => {
    const page = await (await visit(size, { ...way, reducedMotion: "reduce" })).signIn();
    await furnish(page, server());
    if (size.width === 820) {
      // There is room for one of the two.
      await page.getByRole("button", { name: "Show agents" }).click();
      await page.getByRole("complementary", { name: "All conversations" }).waitFor({ state: "detached" });
    }
    expect(await walk(page, views(), touch)).toEqual([]);
  },
);

test("a phone that lies on its side has the bar at the bottom, until one types", async () => {
  const way = { hasTouch: true, isMobile: true };
  const page = await (await visit({ width: 844, height: 390 }, way)).signIn();
  const bar = page.getByRole("navigation", { name: "Views" });
  await bar.waitFor();
  expect(await misplaced(page)).toEqual([]);
});

test("the panels are shown, hidden and resized by keys, and stay so after a reload", async () => {
  const page = await (await visit()).signIn();
  const conversations = page.getByRole("complementary", { name: "All conversations" });
  const agents = page.getByRole("complementary", { name: "Agents", exact: true });
  const border = page.getByRole("separator", { name: "Resize conversations" });
  const width = async () => (await conversations.boundingBox())?.width ?? 0;
  const before = await width();
  await border.focus();
  for (let n = 0; n < 3; n++) await page.keyboard.press("ArrowRight");
  const after = await width();
  expect(after).toBeGreaterThan(before + 10);
  await page.keyboard.press("Control+Shift+G");
  await agents.waitFor({ state: "detached" });
  await page.keyboard.press("Control+j");
  await page.getByRole("region", { name: "Terminals" }).waitFor({ state: "detached" });
  await page.reload();
  await conversations.waitFor();
  expect(Math.abs((await width()) - after)).toBeLessThanOrEqual(2);
  expect(await agents.count()).toBe(0);
  await page.keyboard.press("Control+b");
  await conversations.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Show agents" }).click();
  await agents.waitFor();
});

/** As after an upgrade of the server: a part that was not loaded yet is gone. */
async function gone(page: Page, name: string): Promise<void> {
  await page.route(`**/${name}-*.js`, (route) => route.fulfill({ status: 404, body: "not found" }));
}

test("a part that is gone after an upgrade says to reload, and the rest of the page works", async () => {
  const page = await (await visit()).signIn();
  await gone(page, "UsageView");
  await gone(page, "SettingsDialog");
  await page.getByRole("button", { name: /^Mosaic, workspace/ }).click();
  await page.getByRole("menuitem", { name: "Usage" }).click();
  const alert = page.getByRole("main").getByRole("alert");
  await alert.getByText("could not be loaded").waitFor();
  await alert.getByRole("button", { name: "Reload the page" }).waitFor();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  const floating = page.getByRole("alert").filter({ hasText: "A dialog could not be loaded" });
  await floating.getByRole("button", { name: "Reload the page" }).waitFor();
  expect(await misplaced(page)).toEqual([]);
  await floating.getByRole("button", { name: "Close" }).click();
  await floating.waitFor({ state: "detached" });
  await openShell(page);
  await page.unrouteAll();
  await alert.getByRole("button", { name: "Reload the page" }).click();
  await page.getByRole("heading", { name: "Usage" }).waitFor();
});

test("a view that breaks does not take the page along", async () => {
  const visitor = await visit();
  const page = await visitor.signIn();
  await page.route("**/TokensView-*.js", (route) =>
    route.fulfill({ contentType: "text/javascript", body: "export {}" }),
  );
  await page.getByRole("button", { name: /^Mosaic, workspace/ }).click();
  await page.getByRole("menuitem", { name: "Tokens" }).click();
  const alert = page.getByRole("main").getByRole("alert");
  await alert.getByText("This view stopped working").waitFor();
  await alert.getByText("Nothing on the server is lost").waitFor();
  await alert.getByRole("button", { name: "Try again" }).waitFor();
  await openShell(page);
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
});
