// Pictures of each view for people to look at: on a wide page and a phone, dark and light, and one view in all themes.
// Takes them only where `MOSAIC_TEST_SHOTS` says; it must not judge them.

import { join } from "node:path";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { furnish, places, placesOfAPhone } from "./support/places.ts";
import { suite } from "./support/suite.ts";
import { still, THEMES, wear } from "./support/theme.ts";

const shots = process.env.MOSAIC_TEST_SHOTS;
const { server, visit } = suite();

async function shoot(page: Page, name: string): Promise<void> {
  await still(page);
  await page.screenshot({ path: join(shots ?? "", `${name.replaceAll(/\W+/g, "-")}.png`) });
}

test.skipIf(!shots).each([
  ["wide", { width: 1440, height: 900 }, {}, places],
  ["phone", { width: 390, height: 844 }, { hasTouch: true, isMobile: true }, placesOfAPhone],
] as const)("pictures of each view, %s", async (kind, size, way, views) => {
  const visitor = await visit(size, way);
  const out = await visitor.open();
  await out.getByLabel("Token").waitFor();
  for (const theme of ["dark", "light"]) {
    await wear(out, theme);
    await shoot(out, `view-sign-in-${kind}-${theme}`);
  }
  await out.getByLabel("Token").fill("mosaic_wrong");
  await out.getByRole("button", { name: "Sign in" }).click();
  await out
    .getByRole("alert")
    .getByText(/does not know/)
    .waitFor();
  await shoot(out, `view-sign-in-refused-${kind}`);
  await out.close();
  const page = await visitor.signIn();
  await shoot(page, `view-empty-${kind}`);
  await furnish(page, server());
  for (const theme of ["dark", "light"]) {
    await wear(page, theme);
    for (const place of views()) {
      await place.show(page);
      await shoot(page, `view-${place.name}-${kind}-${theme}`);
      await place.leave?.(page);
    }
  }
  await views()[0]?.show(page);
  for (const theme of THEMES) {
    await wear(page, theme);
    await shoot(page, `theme-${theme}-${kind}`);
  }
  await page.route("**/ShortcutsDialog-*.js", (route) => route.fulfill({ status: 404, body: "" }));
  await page.reload();
  await page.getByRole("main").waitFor();
  await page.keyboard.press("Control+/");
  await page.getByRole("alert").filter({ hasText: "could not be loaded" }).waitFor();
  await shoot(page, `view-gone-${kind}`);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await server().kill9();
  await page.getByRole("region", { name: "Connection" }).waitFor();
  await shoot(page, `view-lost-${kind}`);
  await server().again();
});
