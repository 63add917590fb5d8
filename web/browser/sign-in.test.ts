// Signing in by a link that works once or by a token, where the token is kept, and out again by a person, by time or
// by somebody else. It must not know how the page keeps a token.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { Visit } from "./support/browser.ts";
import { answer, ask, conversation, finished, numbers } from "./support/chat.ts";
import { suite } from "./support/suite.ts";
import { openShell, readable, shows } from "./support/terminal.ts";

const { server, visit } = suite();

const message = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
const tokenField = (page: Page) => page.getByRole("textbox", { name: "Token" }).or(page.getByLabel("Token"));

async function paste(page: Page, token: string, remember = false): Promise<void> {
  // Behind another tab a page is drawn once a second.
  await page.bringToFront();
  await tokenField(page).fill(token);
  if (remember) await page.getByRole("switch", { name: "Remember on this computer" }).click();
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function member(lifetime = "1h", name = "person"): Promise<string> {
  return (await server().mosaic("token", "create", "--role", "member", "--lifetime", lifetime, name)).trim();
}

async function signedOut(page: Page): Promise<void> {
  await page.getByRole("heading", { name: "Sign in to Mosaic" }).waitFor();
  await tokenField(page).waitFor();
}

async function signOut(page: Page): Promise<void> {
  await page.bringToFront();
  await page.getByRole("button", { name: /^Mosaic, workspace/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await signedOut(page);
}

/** What the browser keeps under the page's name, but for how things look. */
function traces(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...Object.keys(sessionStorage), ...Object.keys(localStorage)].filter(
      (key) => !["mosaic.settings", "mosaic.terminal"].includes(key),
    ),
  );
}

async function linked(person: Visit, code: string): Promise<Page> {
  return person.open(`#sign-in=${code}`);
}

test("a link signs in once, its code is nowhere in the address afterwards, and a second use is refused plainly", async () => {
  const person = await visit();
  const code = await server().code();
  const page = await linked(person, code);
  await message(page).waitFor();
  expect(page.url()).not.toContain(code);
  await page.reload();
  await message(page).waitFor();
  const other = await linked(await visit(), code);
  await other.getByRole("alert").getByText("This sign-in link is spent").waitFor();
  await other.getByText("It works once").waitFor();
  expect(await other.content()).not.toContain(code);
  // The page that refuses the link is also the way in.
  await paste(other, server().token());
  await message(other).waitFor();
});

test("a wrong token is refused plainly, a right one signs in", async () => {
  const page = await (await visit()).open();
  const alert = page.getByRole("alert");
  await expect.poll(() => tokenField(page).evaluate((box) => box === document.activeElement)).toBe(true);
  await paste(page, `mosaic_${"x".repeat(43)}`);
  await alert.getByText("The server does not know this token").waitFor();
  expect(await tokenField(page).inputValue()).toBe("");
  await paste(page, "two words");
  await alert.getByText("That is not a token").waitFor();
  await paste(page, `  ${server().token()}\n`);
  await message(page).waitFor();
  expect(await page.content()).not.toContain(server().token());
});

test("a token is kept for its tab, or by choice for the browser, also for its next start", async () => {
  const person = await visit();
  const page = await person.open();
  await paste(page, await member());
  await message(page).waitFor();
  await page.reload();
  await message(page).waitFor();
  const stranger = await person.open();
  await signedOut(stranger);
  await page.bringToFront();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("switch", { name: "Stay signed in on this computer" }).click();
  // The tab that waits follows by itself.
  await message(stranger).waitFor();
  const next = await visit(undefined, { storageState: await person.context.storageState() });
  await message(await next.open()).waitFor();
  await page.getByRole("switch", { name: "Stay signed in on this computer" }).click();
  const later = await visit(undefined, { storageState: await person.context.storageState() });
  await signedOut(await later.open());
});

test("signing out leaves nothing behind in any tab of the browser, and ends the link's session", async () => {
  const person = await visit();
  const page = await person.open();
  await paste(page, await member("1h", "remembered"), true);
  await message(page).waitFor();
  const other = await person.open();
  await message(other).fill("a draft");
  await signOut(page);
  await signedOut(other);
  await signedOut(await person.open());
  for (const each of [page, other]) expect(await traces(each)).toEqual([]);

  const link = await linked(person, await server().code());
  await message(link).waitFor();
  const key = await link.evaluate(() => sessionStorage.getItem("mosaic.token") ?? "");
  const opened = person.context.waitForEvent("page");
  await link.evaluate(() => void window.open(location.origin));
  const copy = await opened;
  await message(copy).waitFor();
  await signOut(link);
  await signedOut(copy);
  expect(await traces(copy)).toEqual([]);
  // Whoever had copied the token has nothing.
  const thief = await (await visit()).open();
  await paste(thief, JSON.parse(key).token);
  await thief.getByRole("alert").waitFor();
});

test("a tab with a token of its own stays when another one signs out", async () => {
  const person = await visit();
  const [one, other] = [await person.open(), await person.open()];
  await paste(one, await member("1h", "one"));
  await paste(other, await member("1h", "other"));
  await Promise.all([message(one).waitFor(), message(other).waitFor()]);
  await signOut(one);
  await other.reload();
  await message(other).waitFor();
});

test("a tab with a token of its own that signs out takes nothing from who is remembered", async () => {
  const person = await visit();
  const [remembered, own] = [await person.open(), await person.open()];
  await paste(own, await member("1h", "own"));
  await message(own).waitFor();
  await paste(remembered, await member("1h", "remembered"), true);
  await message(remembered).fill("a draft");
  await signOut(own);
  await remembered.reload();
  await message(remembered).waitFor();
  expect(await message(remembered).inputValue()).toBe("a draft");
});

test("a session that expires says so, and signing in again goes on where one was", async () => {
  const page = await (await visit()).open();
  await paste(page, await member("10s", "short"));
  await ask(page, "Count", "fake/numbers");
  const id = await conversation(page);
  await answer(page).getByText("n5", { exact: false }).waitFor();
  await page.getByRole("alert").getByText("Your session has expired").waitFor();
  await signedOut(page);
  expect(await page.getByText("n5", { exact: false }).count()).toBe(0);
  await paste(page, await member());
  await finished(page);
  expect(page.url()).toContain(id);
  expect(await numbers(page)).toEqual(Array.from({ length: 400 }, (_, n) => n));
});

test("a token that is revoked ends all that streams by it, in every tab", async () => {
  const person = await visit();
  const page = await person.open();
  await readable(page);
  await page.reload();
  await paste(page, await member("1h", "doomed"), true);
  await openShell(page);
  await shows(page, "$");
  await ask(page, "Count", "fake/numbers");
  await answer(page).getByText("n5", { exact: false }).waitFor();
  const other = await person.open();
  await message(other).waitFor();
  const tokens = (await server().mosaic("token", "ls", "--output", "json")).split("\n");
  const line = tokens.find((each) => each.includes("doomed")) ?? "";
  const id = line.match(/"id":\s*"([^"]+)"/)?.[1] ?? "";
  await server().mosaic("token", "revoke", id);
  for (const each of [page, other]) {
    await each.getByRole("alert").getByText("You were signed out").waitFor();
    await each.getByText(/it was revoked/).waitFor();
  }
  await signedOut(await person.open());
});
