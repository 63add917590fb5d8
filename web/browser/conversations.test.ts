// The list of conversations in a real browser: made, found, renamed, put away, deleted. It must not know how the page
// keeps it.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answer, ask, box, conversation, finished, fromMenu, row, said, say } from "./support/chat.ts";
import { HOSTILE } from "./support/script.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

function settings(page: Page) {
  return page.getByRole("dialog", { name: "Conversation settings" });
}

async function openSettings(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Chat settings" }).click();
  await page.getByRole("menuitem", { name: "Conversation settings…" }).click();
  await settings(page).waitFor();
}

async function keep(page: Page): Promise<void> {
  await settings(page).getByRole("button", { name: "Save" }).click();
  await settings(page).waitFor({ state: "detached" });
}

/** Asks, and gives the conversation a title of its own. */
async function titled(page: Page, text: string, title: string): Promise<string> {
  await ask(page, text, "fake/quick");
  await finished(page);
  const id = await conversation(page);
  await page.getByRole("button", { name: "Conversation menu" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByRole("textbox", { name: "Title" }).fill(title);
  await page.keyboard.press("Enter");
  await row(page, title).waitFor();
  return id;
}

test("a new conversation has a model, instructions and a temperature, and the model is told them", async () => {
  const page = await (await visit()).signIn();
  await openSettings(page);
  await settings(page)
    .getByRole("button", { name: /^Model: / })
    .click();
  await page.getByRole("option", { name: /^fake\/quick/ }).click();
  await settings(page).getByLabel("Instructions").fill("Speak like a heron.");
  await settings(page).getByLabel("Temperature").fill("3");
  await settings(page).getByRole("button", { name: "Save" }).click();
  await settings(page).getByText("A number from 0 to 2, or nothing.").waitFor();
  await settings(page).getByLabel("Temperature").fill("0.3");
  await keep(page);
  await say(page, "How deep is the water?");
  await finished(page);
  const first = server().wire.question("How deep is the water?");
  expect(first).toMatchObject({ model: "quick", temperature: 0.3 });
  expect(first?.messages.map(({ role }) => role)).toEqual(["system", "user"]);
  expect(JSON.stringify(first?.messages[0])).toContain("Speak like a heron.");

  // They stay with the conversation, and can be changed.
  await conversation(page);
  await page.reload();
  await openSettings(page);
  expect(await settings(page).getByLabel("Instructions").inputValue()).toBe("Speak like a heron.");
  expect(await settings(page).getByLabel("Temperature").inputValue()).toBe("0.3");
  await settings(page).getByLabel("Temperature").fill("1.5");
  await keep(page);
  await page.getByRole("button", { name: "Model: fake/quick" }).click();
  await page.getByRole("option", { name: /^fake\/counted/ }).click();
  await page.getByRole("button", { name: "Model: fake/counted" }).waitFor();
  await say(page, "And how cold?");
  await finished(page);
  const second = server().wire.question("And how cold?");
  expect(second).toMatchObject({ model: "counted", temperature: 1.5 });
  expect(second?.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);

  // A new one begins with none of them.
  await ask(page, "Who are you?", "fake/quick");
  await finished(page);
  const third = server().wire.question("Who are you?");
  expect(third?.temperature).toBeUndefined();
  expect(third?.messages.map(({ role }) => role)).toEqual(["user"]);
});

test("a conversation is found by its title and by its words", async () => {
  const page = await (await visit()).signIn();
  await titled(page, "Tell me of the quokka on its island", "Small marsupials");
  await titled(page, "Tell me of the walrus on its floe", "Large pinnipeds");
  const search = page.getByRole("searchbox", { name: "Search conversations" });
  for (const [query, found, other] of [
    ["marsupials", "Small marsupials", "Large pinnipeds"],
    ["walrus", "Large pinnipeds", "Small marsupials"],
    ['"quokka on its island"', "Small marsupials", "Large pinnipeds"],
    ["tell -walrus island", "Small marsupials", "Large pinnipeds"],
  ] as const) {
    await search.fill(query);
    await row(page, other).waitFor({ state: "detached" });
    await row(page, found).waitFor();
  }
  await search.fill("nobodysaidthis");
  await page.getByText("Nothing found.").waitFor();
  await search.press("Escape");
  await row(page, "Large pinnipeds").waitFor();
  await row(page, "Small marsupials").click();
  await said(page).getByText("quokka").waitFor();
});

test("it is renamed in its row, and every tab has the name at once", async () => {
  const person = await visit();
  const page = await person.signIn();
  const id = await titled(page, "Something to be renamed", "Rename me");
  const other = await person.signIn();
  await other.goto(`${server().endpoint}/#c/${id}`);
  await other.getByRole("heading", { name: "Rename me" }).waitFor();
  await row(page, "Rename me").dblclick();
  const field = page.getByRole("textbox", { name: "Title" });
  await field.fill("Never this");
  await field.press("Escape");
  await row(page, "Rename me").focus();
  await page.keyboard.press("F2");
  await field.fill("  A better name  ");
  await field.press("Enter");
  for (const each of [page, other]) {
    await row(each, "A better name").waitFor();
    await each.getByRole("heading", { name: "A better name" }).waitFor();
    await expect.poll(() => each.title()).toContain("A better name");
  }
});

test("it is archived and comes back", async () => {
  const page = await (await visit()).signIn();
  await titled(page, "For the attic", "Attic");
  await titled(page, "For the desk", "Desk");
  await fromMenu(page, "Attic", "Archive");
  await row(page, "Attic").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await row(page, "Attic").waitFor();
  await fromMenu(page, "Attic", "Archive");
  await row(page, "Attic").waitFor({ state: "detached" });
  await page.reload();
  await row(page, "Desk").waitFor();
  expect(await row(page, "Attic").count()).toBe(0);
  await page.getByRole("button", { name: "Archived" }).click();
  await row(page, "Desk").waitFor({ state: "detached" });
  await row(page, "Attic").click();
  await page.getByRole("banner").or(page.getByRole("main")).getByText("Archived").first().waitFor();
  await fromMenu(page, "Attic", "Unarchive");
  await row(page, "Attic").waitFor({ state: "detached" });
  await page.getByText("Nothing is archived.").waitFor();
  await page.getByRole("button", { name: "Back to the conversations" }).click();
  await row(page, "Attic").waitFor();
});

test("it is deleted only by who is sure, for every tab and for good", async () => {
  const person = await visit();
  const page = await person.signIn();
  const id = await titled(page, "For the fire", "Kindling");
  const other = await person.signIn();
  await other.goto(`${server().endpoint}/#c/${id}`);
  await said(other).getByText("For the fire").waitFor();
  const sure = page.getByRole("alertdialog");
  await fromMenu(page, "Kindling", "Delete…");
  await sure.getByText("Kindling").waitFor();
  await sure.getByRole("button", { name: "Cancel" }).click();
  await sure.waitFor({ state: "detached" });
  await row(page, "Kindling").focus();
  await page.keyboard.press("Delete");
  await sure.waitFor();
  await page.keyboard.press("Escape");
  await sure.waitFor({ state: "detached" });
  expect(await server().mosaic("conversation", "ls", "--output", "json")).toContain(id);
  await page.keyboard.press("Delete");
  await sure.getByRole("button", { name: "Delete" }).click();
  await row(page, "Kindling").waitFor({ state: "detached" });
  await page.getByRole("heading", { name: "What shall we do?" }).waitFor();
  await other.getByText("This conversation is not there").waitFor();
  expect(await server().mosaic("conversation", "ls", "--output", "json")).not.toContain(id);
  await other.getByRole("main").getByRole("button", { name: "New conversation" }).click();
  await box(other).waitFor();
});

test("a title stays text, whoever wrote it, wherever it stands", async () => {
  const page = await (await visit()).signIn();
  const hostile = '<img src=x onerror="window.stolen=1"><script>window.stolen=1</script>';
  // What a model calls it, and what a person calls it.
  await ask(page, "Name it", "fake/hostile");
  await finished(page);
  await row(page, HOSTILE.trim().slice(0, 20))
    .or(row(page, /^<script>/))
    .waitFor();
  await page.reload();
  await row(page, /^<script>/).click();
  await answer(page).waitFor();
  await titled(page, "Name it", hostile);
  await page.reload();
  await row(page, hostile).click();
  await page.getByRole("heading", { name: hostile }).waitFor();
  await fromMenu(page, hostile, "Delete…");
  await page.getByRole("alertdialog").getByText(hostile).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.keyboard.press("Control+k");
  await page.getByRole("option", { name: hostile }).first().waitFor();
  expect(await page.title()).toContain(hostile);
  expect(await page.evaluate(() => Reflect.get(window, "stolen"))).toBeUndefined();
  expect(await page.locator('img[src="x"], script:not([src]), svg[onload]').count()).toBe(0);
});
