// What a person does in the chat. It must not know what a test wants of it.

import type { Locator, Page } from "playwright-core";

export async function chooseModel(page: Page, name: string): Promise<void> {
  await page
    .getByRole("button", { name: /^Model: / })
    .first()
    .click();
  await page.getByRole("option", { name: new RegExp(`^${name}\\b`) }).click();
}

/** A conversation of its own, whose first message this is. */
export async function ask(page: Page, text: string, model?: string): Promise<void> {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  if (model) await chooseModel(page, model);
  await say(page, text);
}

/** Where one types. */
export function box(page: Page): Locator {
  return page.getByRole("textbox", { name: "Message", exact: true });
}

export async function say(page: Page, text: string): Promise<void> {
  const field = box(page);
  await field.click();
  await field.fill(text);
  await field.press("Enter");
}

/** The newest answer, of a model or a command. */
export function answer(page: Page): Locator {
  return page.getByRole("article", { name: /^(Answer|Result)/ }).last();
}

/** The newest thing that a person said. */
export function said(page: Page): Locator {
  return page.getByRole("article", { name: "You" }).last();
}

/** The conversation's row in the list. */
export function row(page: Page, title: string | RegExp): Locator {
  return page.getByRole("list", { name: "Conversations" }).getByRole("button", { name: title, exact: true });
}

/** Chooses from the menu of a conversation's row. */
export async function fromMenu(page: Page, title: string, item: string): Promise<void> {
  await row(page, title).hover();
  await page.getByRole("button", { name: `Menu of ${title}`, exact: true }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

/** The conversation's id, once the address has it. */
export async function conversation(page: Page): Promise<string> {
  await page.waitForURL(/#c\/[0-9a-f-]{36}/);
  return page.url().split("#c/")[1] ?? "";
}

/** Waits until nothing is on its way and the newest answer is not being generated any more. */
export async function finished(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    // Only answers say whether they are busy: behind a person's message one is still to come.
    const over = [...document.querySelectorAll("article")].at(-1)?.getAttribute("aria-busy") === "false";
    const notes = [...document.querySelectorAll('[role="status"]')].map((each) => each.textContent ?? "");
    return over && !notes.some((text) => /^(Sending|Asking for|Waiting for the connection)/.test(text));
  });
}

/** The numbers of an answer of the model `numbers`, in the order in which they stand there. */
export async function numbers(page: Page): Promise<number[]> {
  const text = (await answer(page).textContent()) ?? "";
  // What stands below the answer follows its last word without a space.
  return [...text.matchAll(/\bn(\d+)/g)].map(([, n]) => Number(n));
}
