// What axe finds: nothing worse than minor, in every view in two themes, and in one view in all five; and how much a
// screen reader is told, and what moves. It must not know the views' insides.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { violations } from "./support/axe.ts";
import { answer, ask, finished } from "./support/chat.ts";
import { furnish, places, placesOfAPhone } from "./support/places.ts";
import { suite } from "./support/suite.ts";
import { THEMES, wear } from "./support/theme.ts";

const { server, visit } = suite();
/** An answer of ten seconds may be told in so many pieces. */
const TOLD_MAX = 8;

test.each([
  ["a wide page", { width: 1440, height: 900 }, places],
  ["a phone", { width: 390, height: 844 }, placesOfAPhone],
] as const)(
  "axe has nothing against any view of %s, in two themes, nor against one in the others",
  async (_, size, views) => {
    const page = await (await visit(size, { reducedMotion: "reduce" })).signIn();
    await furnish(page, server());
    const found: string[] = [];
    const look = async (what: string) => {
      for (const each of await violations(page)) found.push(`${what}: ${each}`);
    };
    for (const theme of ["dark", "light"]) {
      await wear(page, theme);
      for (const place of views()) {
        await place.show(page);
        await look(`${theme}, ${place.name}`);
        await place.leave?.(page);
      }
    }
    await views()[0]?.show(page);
    for (const theme of THEMES) {
      await wear(page, theme);
      await look(theme);
    }
    expect(found).toEqual([]);
  },
);

test("axe has nothing against the page where one signs in, with what was wrong, in all themes", async () => {
  const page = await (await visit()).open();
  await page.getByLabel("Token").fill("mosaic_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page
    .getByRole("alert")
    .getByText(/does not know/)
    .waitFor();
  for (const theme of THEMES) {
    await wear(page, theme);
    expect(await violations(page), theme).toEqual([]);
  }
});

/** Counts what live regions say from now on. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const LIVE =
      '[aria-live="polite"], [aria-live="assertive"], [role=status], [role=alert], [role=log], output';
    const told: string[] = [];
    Reflect.set(window, "told", told);
    new MutationObserver((changes) => {
      const regions = new Set<Element>();
      for (const { target, addedNodes } of changes) {
        const at = target instanceof Element ? target : target.parentElement;
        const region = at?.closest(LIVE);
        // What is hidden in a region is not said when it changes.
        if (region && !at?.closest("[aria-hidden=true]")) regions.add(region);
        for (const node of addedNodes)
          if (node instanceof Element) for (const each of node.querySelectorAll(LIVE)) regions.add(each);
      }
      for (const region of regions) if (region.textContent) told.push(region.textContent.slice(0, 80));
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => Reflect.get(window, "told") as string[]);
}

test("an answer of four hundred words is told in a few pieces, and a clock is not told at all", async () => {
  const page = await (await visit()).signIn();
  await server().mosaic("agent", "spawn", "--name", "clocked", "--", "sleep 300");
  const agents = page.getByRole("region", { name: "Agents and jobs" });
  await agents.getByRole("button", { name: /clocked/ }).click();
  await agents.getByRole("heading", { name: "clocked" }).waitFor();
  await ask(page, "Count", "fake/numbers");
  await answer(page).getByText("n1", { exact: false }).waitFor();
  const told = await listen(page);
  await finished(page);
  await expect.poll(async () => (await told()).some((each) => /n\d/.test(each))).toBe(true);
  expect((await told()).length, (await told()).join("\n")).toBeLessThanOrEqual(TOLD_MAX);
});

test("nothing moves on a page for who asked for less motion", async () => {
  const page = await (await visit(undefined, { reducedMotion: "reduce" })).signIn();
  const moving = () =>
    page.evaluate(() =>
      document
        .getAnimations()
        .filter(
          ({ playState, effect }) =>
            playState === "running" && Number(effect?.getComputedTiming().endTime) > 50,
        )
        .map((each) => (each.effect as KeyframeEffect).target?.outerHTML.slice(0, 100)),
    );
  for (const place of places().filter(({ name }) =>
    ["settings", "palette", "usage", "chat"].includes(name),
  )) {
    await place.show(page);
    expect(await moving(), place.name).toEqual([]);
    await place.leave?.(page);
    expect(await moving(), place.name).toEqual([]);
  }
  await ask(page, "Count", "fake/numbers");
  await answer(page).getByText("n5", { exact: false }).waitFor();
  expect(await moving()).toEqual([]);
  await server().kill9();
  await page.getByRole("region", { name: "Connection" }).waitFor();
  expect(await moving()).toEqual([]);
  await server().again();
});
