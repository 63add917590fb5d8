// The palette and the chat over the page, from anywhere, in a real browser. It must not know how the page opens them.

import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { violations } from "./support/axe.ts";
import { ask, box, conversation, finished, row, said } from "./support/chat.ts";
import { suite } from "./support/suite.ts";
import { openShell, prompt, readable, screen, shows } from "./support/terminal.ts";
import { wear } from "./support/theme.ts";

const { server, visit } = suite();

function palette(page: Page) {
  return page.getByRole("dialog", { name: "Command palette" });
}

function overlay(page: Page) {
  return page.getByRole("dialog", { name: "Chat", exact: true });
}

function focused(it: Locator): Promise<boolean> {
  return it.evaluate((each) => each === document.activeElement).catch(() => false);
}

/** Types once the palette takes what is typed. */
async function search(page: Page, words: string): Promise<void> {
  await page.keyboard.press("Control+k");
  await palette(page).getByRole("combobox").and(page.locator(":focus")).waitFor();
  await page.keyboard.type(words);
}

async function find(page: Page, words: string, option: string | RegExp): Promise<void> {
  await search(page, words);
  await palette(page)
    .getByRole("option", { name: option, selected: true })
    .or(palette(page).locator('[role="option"][data-highlighted]', { hasText: option }))
    .first()
    .waitFor();
}

test("the palette finds conversations, terminals, agents and commands, by keys and by the mouse", async () => {
  await server().mosaic("agent", "spawn", "--name", "plover", "--", "sleep 600");
  await server().mosaic("agent", "spawn", "--name", "dodo", "--", "true");
  await server().mosaic("term", "new", "--detach", "--name", "pelican");
  const page = await (await visit()).signIn();
  await ask(page, "On petrels", "fake/quick");
  await finished(page);
  const id = await conversation(page);
  await server().mosaic("conversation", "rename", id, "Petrels at sea");
  await row(page, "Petrels at sea").waitFor();
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await box(page).fill("A draft that stays");

  // Nothing typed: what can be done comes first, and nothing that is over.
  await page.keyboard.press("Control+k");
  const options = palette(page).getByRole("option");
  await options.filter({ hasText: "plover" }).first().waitFor();
  const offered = await options.allTextContents();
  expect(offered[0]).toMatch(/^New conversation/);
  expect(offered.findIndex((text) => text.startsWith("Settings"))).toBeLessThan(
    offered.findIndex((text) => text.startsWith("Petrels at sea")),
  );
  expect(offered.filter((text) => text.startsWith("dodo"))).toEqual([]);
  await page.keyboard.press("Escape");
  await palette(page).waitFor({ state: "detached" });
  await expect.poll(() => focused(box(page))).toBe(true);
  await find(page, "petrels", "Petrels at sea");
  await page.keyboard.press("Enter");
  await said(page).getByText("On petrels").waitFor();
  expect(page.url()).toContain(id);
  await find(page, "plover", "plover");
  await page.keyboard.press("Enter");
  await page
    .getByRole("complementary", { name: /agents/i })
    .getByRole("heading", { name: "plover" })
    .waitFor();
  await search(page, "pelican");
  await palette(page)
    .getByRole("option", { name: /pelican/ })
    .click();
  await page.getByRole("tab", { name: /pelican/ }).waitFor();
  // It is where one types next.
  await expect.poll(() => focused(prompt(page))).toBe(true);
  await box(page).click();
  await find(page, "theme nord", "Theme: Nord");
  await page.keyboard.press("Enter");
  await page.locator('html[data-theme="nord"]').waitFor();
  await find(page, "new conversation", "New conversation");
  await page.keyboard.press("Enter");
  await expect.poll(() => box(page).inputValue()).toBe("A draft that stays");

  // The focus comes back to where it was; nothing is a sentence, too.
  await box(page).focus();
  await search(page, "zzzqqq");
  await palette(page).getByText("Nothing fits.").waitFor();
  await page.keyboard.press("Escape");
  await palette(page).waitFor({ state: "detached" });
  await expect.poll(() => focused(box(page))).toBe(true);
});

test("a focused terminal keeps its keys: only chords with Ctrl and Shift are the page's", async () => {
  const page = await (await visit()).signIn();
  await readable(page);
  await page.reload();
  await ask(page, "Under the overlay", "fake/quick");
  await finished(page);
  await openShell(page);
  await shows(page, "$");
  // Ctrl+K cuts to the end of the line: it is the shell's.
  await page.keyboard.type("echo kept cut");
  for (let n = 0; n < 4; n++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+k");
  await page.keyboard.type(" a''lone\r");
  await shows(page, "kept alone");
  expect(await screen(page)).not.toContain("kept cut alone");
  expect(await palette(page).count()).toBe(0);

  await page.keyboard.press("Control+Shift+K");
  await palette(page).waitFor();
  await page.keyboard.press("Escape");
  await palette(page).waitFor({ state: "detached" });
  await page.keyboard.press("Control+Shift+J");
  await overlay(page).getByRole("article").getByText("Under the overlay").waitFor();
  const field = overlay(page).getByRole("textbox", { name: "Message" });
  await expect.poll(() => focused(field)).toBe(true);
  await page.keyboard.type("And over it?");
  await page.keyboard.press("Enter");
  await overlay(page).getByRole("article").getByText("And over it?").waitFor();
  await expect
    .poll(() =>
      overlay(page)
        .getByRole("article", { name: /^Answer/ })
        .count(),
    )
    .toBe(2);
  await overlay(page).locator('article[aria-busy="false"]').last().waitFor();
  await page.keyboard.press("Control+Shift+J");
  await overlay(page).waitFor({ state: "detached" });
  // Back in the terminal, with nothing typed into it meanwhile; and the conversation has gone on.
  await expect.poll(() => focused(prompt(page))).toBe(true);
  await page.keyboard.type("echo b''ack\r");
  await shows(page, "back");
  expect(await screen(page)).not.toContain("over it");
  await said(page).getByText("And over it?").waitFor();
});

test("on a Mac they are Cmd chords, in a terminal, too", async () => {
  const person = await visit();
  await person.context.addInitScript(() =>
    Object.defineProperty(navigator, "platform", { get: () => "MacIntel" }),
  );
  const page = await person.signIn();
  await readable(page);
  await page.reload();
  await openShell(page);
  await shows(page, "$");
  await page.keyboard.press("Meta+k");
  await palette(page).waitFor();
  await page.keyboard.press("Escape");
  await palette(page).waitFor({ state: "detached" });
  await page.keyboard.press("Meta+Shift+J");
  await overlay(page).waitFor();
});

test("the chat lies over every view, and begins a conversation without leaving it", async () => {
  const page = await (await visit()).signIn();
  await page.goto(`${server().endpoint}/#usage`);
  await page.getByRole("heading", { name: "Usage" }).first().waitFor();
  await page.keyboard.press("Control+Shift+J");
  await overlay(page).waitFor();
  await page.keyboard.type("From the side");
  await page.keyboard.press("Enter");
  await overlay(page).getByText("A last paragraph that closes the answer.").waitFor();
  await page.keyboard.press("Escape");
  await overlay(page).waitFor({ state: "detached" });
  expect(page.url()).toContain("#usage");
  await page.keyboard.press("Control+Shift+J");
  await overlay(page).getByRole("article").getByText("From the side").waitFor();
});

test.each([
  ["a wide page", { width: 1440, height: 900 }],
  ["a phone", { width: 390, height: 844 }],
])("axe finds nothing in what lies over the chat, nor in its cards, on %s", async (_, size) => {
  const page = await (await visit(size)).signIn();
  const wrong: string[] = [];
  const look = async (what: string) => {
    for (const theme of ["dark", "light"]) {
      await wear(page, theme);
      for (const each of await violations(page)) wrong.push(`${what}, ${theme}: ${each}`);
    }
  };
  const closed = async (role: "dialog" | "listbox") => {
    await page.keyboard.press("Escape");
    await page.getByRole(role).first().waitFor({ state: "detached" });
  };
  const narrow = size.width < 600;
  if (!narrow) await page.getByRole("button", { name: "New conversation" }).first().click();
  for (const command of [
    "/spawn shell 'echo hello; sleep 600'",
    "/status",
    "/jobs",
    "/help",
    "/nonsense",
    "/kill nobody",
  ]) {
    await box(page).fill(command);
    await page.keyboard.press("Enter");
    await said(page).getByText(command).waitFor();
    await finished(page);
  }
  await look("cards");
  await page.keyboard.press("Control+k");
  await palette(page).getByRole("option").first().waitFor();
  await look("palette");
  await closed("dialog");
  await page.keyboard.press("Control+Shift+J");
  await overlay(page).getByRole("article").last().waitFor();
  await look("overlay");
  await closed("dialog");
  await page.getByRole("button", { name: "Chat settings" }).click();
  await page.getByRole("menuitem", { name: "Conversation settings…" }).click();
  await page.getByRole("dialog", { name: "Conversation settings" }).waitFor();
  await look("settings");
  await closed("dialog");
  await page.getByRole("button", { name: /^Model: / }).click();
  await page.getByRole("option").first().waitFor();
  await look("models");
  await closed("listbox");
  await box(page).click();
  await page.keyboard.type("/");
  await page.getByRole("listbox", { name: "Suggestions" }).waitFor();
  await look("suggestions");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Kill" }).first().click();
  await page.getByRole("dialog", { name: /^Kill/ }).waitFor();
  await look("kill");
  await closed("dialog");
  if (!narrow) {
    await page.getByRole("button", { name: "Conversation menu" }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByRole("alertdialog").waitFor();
    await look("delete");
  }
  expect(wrong).toEqual([]);
});
