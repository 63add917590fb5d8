// What could follow what is typed, in a real browser: commands, and names of agents and terminals. It must not know how
// the page finds them.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answer, ask, box, conversation, finished, said } from "./support/chat.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

function options(page: Page) {
  return page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
}

/** The option that Enter would take. */
function meant(page: Page) {
  return page.getByRole("listbox", { name: "Suggestions" }).getByRole("option", { selected: true });
}

test("commands are completed as the server says, by keys and by the mouse", async () => {
  await server().mosaic("agent", "spawn", "--name", "kingfisher", "--", "sleep 600");
  const page = await (await visit()).signIn();
  await box(page).click();
  await page.keyboard.type("/");
  await options(page).getByText("/spawn").waitFor();
  expect(await options(page).count()).toBe(10);
  expect(await meant(page).textContent()).toContain("/agents");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await meant(page).getByText("/jobs").waitFor();
  // A screen reader is told which one.
  const active = (await box(page).getAttribute("aria-activedescendant")) ?? "";
  expect(await page.locator(`[id="${active}"]`).textContent()).toContain("/jobs");
  await page.keyboard.press("Escape");
  await options(page).first().waitFor({ state: "detached" });
  expect(await box(page).inputValue()).toBe("/");
  await page.keyboard.type("sp");
  await options(page).getByText("/spawn").waitFor();
  await page.keyboard.press("Tab");
  await expect.poll(() => box(page).inputValue()).toBe("/spawn ");
  await page.keyboard.type("as");
  await options(page).getByText("asks", { exact: true }).click();
  await expect.poll(() => box(page).inputValue()).toBe("/spawn asks ");
  // As if it had been typed: it can be taken back.
  await page.keyboard.press("Control+z");
  await expect.poll(() => box(page).inputValue()).toBe("/spawn as");
  await box(page).fill("/kill king");
  await options(page).getByText("kingfisher").waitFor();
  await page.keyboard.press("Tab");
  await expect.poll(() => box(page).inputValue()).toMatch(/^\/kill kingfisher ?$/);
  // In the middle of a text a slash means nothing, and two are one.
  await box(page).fill("either /");
  expect(await options(page).count()).toBe(0);
  await box(page).fill("");
  await page.keyboard.type("/sta");
  await options(page).getByText("/status").waitFor();
  await page.keyboard.press("Enter");
  await expect.poll(() => box(page).inputValue()).toMatch(/^\/status ?$/);
  await page.keyboard.press("Enter");
  await page.getByRole("group", { name: "Status" }).getByText("kingfisher").waitFor();
  await finished(page);
  await page.keyboard.press("Escape");
});

test("two slashes begin an ordinary message, which an edit does not make a command", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "//kill all of it", "fake/quick");
  await finished(page);
  await answer(page).getByText("A short answer that comes at once.").waitFor();
  await expect.poll(() => said(page).getByText("/kill all of it").textContent()).toBe("/kill all of it");
  expect(server().wire.question("/kill all of it")).toBeDefined();
  await conversation(page);
  await page.reload();
  await said(page).getByText("/kill all of it").waitFor();
  await said(page).hover();
  await said(page).getByRole("button", { name: "Edit message" }).click();
  const field = page.getByRole("textbox", { name: "Edit message" });
  expect(await field.inputValue()).toBe("//kill all of it");
  await field.press("End");
  await page.keyboard.type(", please");
  await field.press("Enter");
  await said(page).getByText("/kill all of it, please").waitFor();
  await finished(page);
  await answer(page).getByText("A short answer that comes at once.").waitFor();
});

test("an @ offers agents and terminals by name", async () => {
  await server().mosaic("agent", "spawn", "--name", "heron", "--", "sleep 600");
  await server().mosaic("term", "new", "--detach", "--name", "herring");
  const page = await (await visit()).signIn();
  await ask(page, "Before", "fake/quick");
  await finished(page);
  await box(page).click();
  await page.keyboard.type("compare @her");
  await options(page).filter({ hasText: "heron" }).getByText("agent").waitFor();
  await options(page).filter({ hasText: "herring" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const value = await box(page).inputValue();
  expect(value).toMatch(/^compare (heron|herring) $/);
  await page.keyboard.type("with @");
  await options(page).filter({ hasText: "heron" }).click();
  await expect.poll(() => box(page).inputValue()).toBe(`${value}with heron `);
  await page.keyboard.type("by mail@her");
  expect(await options(page).count()).toBe(0);
  await page.keyboard.press("Enter");
  await said(page)
    .getByText(/with heron by mail@her/)
    .waitFor();
  await finished(page);
  await answer(page).waitFor();
});
