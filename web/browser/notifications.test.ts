// What a person is told of agents while they look elsewhere: in the page, by the browser, once. It must not know how.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { back, detail, look, panel, row, spawn } from "./support/agents.ts";
import { ask } from "./support/chat.ts";
import { covered, messages, notified, press, told } from "./support/notices.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

/** Turns the browser's notifications on, as the settings do. */
async function wish(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Settings" }).first().click();
  const settings = page.getByRole("dialog", { name: "Settings" });
  const own = settings.getByRole("switch", { name: "By the browser" });
  await own.click();
  await own.and(page.locator("[aria-checked=true]")).waitFor();
  await page.keyboard.press("Escape");
  await settings.waitFor({ state: "detached" });
}

test("the page tells of an end and of a question, leads there, and not of what is looked at or was wished", async () => {
  const page = await (await visit()).signIn();
  await panel(page).waitFor();
  await spawn(server(), "ends", "exit 9");
  const said = messages(page);
  await said.getByText("ends failed").waitFor();
  await spawn(server(), "asks-me", "really", "--profile", "asks");
  await said.getByText("asks-me needs input").waitFor();
  await said.getByRole("button", { name: "Show" }).first().click();
  await detail(page)
    .getByRole("heading", { name: /^(asks-me|ends)$/ })
    .waitFor();
  await back(page);
  // Whoever looks at it sees it end.
  await spawn(server(), "watched", "read -r x");
  await look(page, "watched");
  await server().mosaic("agent", "send", "watched", "go");
  await detail(page).getByText("Succeeded").first().waitFor();
  // Whoever ended it knows.
  await back(page);
  await spawn(server(), "mine", "sleep 600");
  await row(page, "mine").getByText("Running").waitFor();
  await row(page, "mine").focus();
  await page.keyboard.press("Delete");
  const kill = page.getByRole("dialog", { name: "Kill mine?" });
  await kill.getByRole("button", { name: "Kill", exact: true }).click();
  await page.getByRole("button", { name: "Done" }).click();
  await row(page, "mine").getByText("Cancelled").waitFor();
  // A card in sight says it.
  await ask(page, "/spawn --name carded shell 'read -r x; exit 4'");
  const card = page.getByRole("main").getByRole("group", { name: "Job carded" });
  await card.getByText("Running").waitFor();
  await server().mosaic("agent", "send", "carded", "go");
  await card.getByText("Failed").waitFor();
  // Another's deed is news; by then the others would have been told, too.
  await spawn(server(), "theirs", "sleep 600");
  await server().mosaic("agent", "kill", "theirs");
  await said.getByText("theirs was cancelled").waitFor();
  expect(await said.getByText(/^(watched|mine|carded) /).allTextContents()).toEqual([]);
  await server().mosaic("agent", "kill", "asks-me");
  // Many at once are at most three.
  const many = ["a", "b", "c", "d", "e"].map((name) => `many-${name}`);
  await Promise.all(many.map((name) => spawn(server(), name, "exit 5")));
  for (const name of many) await said.getByText(`${name} failed`).waitFor({ state: "attached" });
  expect(
    await said
      .getByText(/^many-. failed$/)
      .filter({ visible: true })
      .count(),
  ).toBe(3);
});

test("the browser tells when no tab is in front, once for two tabs, and a click leads there", async () => {
  const person = await visit();
  await notified(person);
  const [one, two] = [await person.signIn(), await person.context.newPage()];
  await wish(one);
  await two.goto(one.url());
  await one.getByRole("button", { name: "Settings" }).first().click();
  await one.getByRole("switch", { name: "Stay signed in on this computer" }).click();
  await one.keyboard.press("Escape");
  await two.reload();
  await panel(two).waitFor();
  // One tab is in front: that one tells, in itself, and the browser is silent.
  await covered(one, true);
  await spawn(server(), "in-front", "exit 3");
  await messages(two).getByText("in-front failed").waitFor();
  await covered(two, true);
  const both = async () => [...(await told(one)), ...(await told(two))];
  await spawn(server(), "far-away", "why", "--profile", "asks");
  await expect.poll(both, { timeout: 20_000 }).toContain("far-away needs input: Continue? [y/N]");
  await spawn(server(), "next", "exit 3");
  await expect.poll(async () => (await both()).some((text) => text.startsWith("next failed: "))).toBe(true);
  // By now the other one would have told the first.
  for (const page of [one, two]) await row(page, "next").getByText("Failed").waitFor();
  expect((await both()).filter((text) => text.startsWith("far-away"))).toHaveLength(1);
  expect((await both()).filter((text) => text.startsWith("in-front"))).toEqual([]);
  // Which of them told is theirs to agree on.
  const teller = (await told(one)).some((text) => text.startsWith("next")) ? one : two;
  expect((await told(teller)).at(-1)).toMatch(/^next failed: /);
  await covered(teller, false);
  await press(teller);
  await detail(teller).getByRole("heading", { name: "next" }).waitFor();
  await server().mosaic("agent", "kill", "far-away");
});

test("two windows side by side tell once, and a tab that comes to the front tells what it missed", async () => {
  const person = await visit();
  const [one, two] = [await person.signIn(), await person.signIn()];
  await panel(one).waitFor();
  await panel(two).waitFor();
  await spawn(server(), "single", "exit 1");
  const said = async (text: string) =>
    (await messages(one).getByText(text).count()) + (await messages(two).getByText(text).count());
  await expect.poll(() => said("single failed")).toBeGreaterThan(0);
  await spawn(server(), "second", "exit 1");
  await expect.poll(() => said("second failed")).toBeGreaterThan(0);
  for (const page of [one, two]) await row(page, "second").getByText("Failed").waitFor();
  expect(await said("single failed")).toBe(1);
  for (const page of [one, two]) await covered(page, true);
  await spawn(server(), "missed", "exit 1");
  await row(one, "missed").getByText("Failed").waitFor();
  await covered(two, false);
  await messages(two).getByText("missed failed").waitFor();
  await covered(one, false);
  await spawn(server(), "after", "exit 1");
  await expect.poll(() => said("after failed")).toBeGreaterThan(0);
  expect(await messages(one).getByText("missed failed").count()).toBe(0);
});
