// How the page and the server get on: always in sight, lost and back without a reload, a restart as a short banner. It
// must not know how the page reconnects.

import type { Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { answer, ask, finished, numbers, say } from "./support/chat.ts";
import { Door } from "./support/door.ts";
import { suite } from "./support/suite.ts";
import { openShell, readable, shows } from "./support/terminal.ts";

const { server, visit } = suite();
const doors: Door[] = [];

afterEach(async () => {
  for (const door of doors.splice(0)) await door.end();
});

async function door(): Promise<Door> {
  const made = await Door.open(server().endpoint);
  doors.push(made);
  return made;
}

const state = (page: Page) => page.locator("[data-connection]");
const banner = (page: Page) => page.getByRole("region", { name: "Connection" });
const message = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });

async function online(page: Page): Promise<void> {
  await state(page).getByText("Online", { exact: true }).waitFor();
  await banner(page).waitFor({ state: "detached" });
}

/** A reload would forget it. */
async function mark(page: Page): Promise<void> {
  await page.evaluate(() => Reflect.set(window, "sameDocument", true));
}

async function notReloaded(page: Page): Promise<void> {
  expect(await page.evaluate(() => Reflect.get(window, "sameDocument"))).toBe(true);
}

async function shell(page: Page): Promise<void> {
  await readable(page);
  await page.reload();
  await openShell(page);
  await shows(page, "$");
}

test("a killed server is seen at once, and all goes on without a reload when it is back", async () => {
  const person = await visit();
  const page = await person.signIn();
  await shell(page);
  const phone = await visit({ width: 390, height: 844 });
  const small = await phone.signIn();
  await Promise.all([online(page), online(small)]);
  await Promise.all([mark(page), mark(small)]);
  for (const each of [page, small]) await ask(each, "Before it goes", "fake/quick");
  for (const each of [page, small]) await finished(each);
  await message(page).fill("kept while it is away");
  await server().kill9();
  for (const each of [page, small]) {
    await state(each)
      .getByText(/^Reconnecting/)
      .waitFor();
    await banner(each).getByText("The server cannot be reached").waitFor();
    expect(await each.getByRole("status").filter({ hasText: "The server cannot be reached" }).count()).toBe(
      1,
    );
    await expect.poll(() => each.getByRole("button", { name: "Try now" }).first().isVisible()).toBe(true);
    // It covers neither the conversation's title nor its menu.
    const title = each.getByRole("main").getByRole("heading", { level: 2 });
    await title.click({ trial: true, position: { x: 4, y: 4 } });
    await each.getByRole("button", { name: "Conversation menu" }).click({ trial: true });
    const [box, head] = [await banner(each).boundingBox(), await title.boundingBox()];
    expect(box?.y).toBeGreaterThanOrEqual((head?.y ?? 0) + (head?.height ?? 0));
  }
  expect(await message(page).inputValue()).toBe("kept while it is away");
  await server().again();
  await banner(page)
    .getByRole("button", { name: "Try now" })
    .click({ timeout: 5_000 })
    .catch(() => {});
  await Promise.all([online(page), online(small)]);
  await page.locator(".xterm-helper-textarea").last().focus();
  await page.keyboard.type("echo b''ack\r");
  await shows(page, "back");
  await say(page, "Are you there?");
  await finished(page);
  await Promise.all([notReloaded(page), notReloaded(small)]);
});

test("a network that is cut loses nothing of an answer or a terminal", async () => {
  const way = await door();
  const page = await (await visit(undefined, { endpoint: way.endpoint })).signIn();
  await shell(page);
  await mark(page);
  await page.keyboard.type("for n in $(seq 1 60); do echo line-$n; sleep 0.05; done; echo d''one\r");
  await shows(page, "line-5");
  await ask(page, "Count", "fake/numbers");
  await answer(page).getByText("n20", { exact: false }).waitFor();
  await way.shut();
  await banner(page).getByText("The server cannot be reached").waitFor();
  await way.reopen();
  await online(page);
  // While it still streams: once it is over, what is stored hides what was lost.
  const before = (await numbers(page)).length;
  await expect.poll(async () => (await numbers(page)).length).toBeGreaterThan(before);
  expect(await answer(page).getAttribute("aria-busy")).toBe("true");
  const shown = await numbers(page);
  expect(shown).toEqual(Array.from({ length: shown.length }, (_, n) => n));
  await finished(page);
  expect(await numbers(page)).toEqual(Array.from({ length: 400 }, (_, n) => n));
  await shows(page, "done");
  await notReloaded(page);
});

test("a restart of the server is a short banner", async () => {
  const page = await (await visit()).signIn();
  await shell(page);
  await online(page);
  await mark(page);
  await page.evaluate(() => {
    const said = new Set<string>();
    Reflect.set(window, "said", said);
    const look = () => {
      for (const each of document.querySelectorAll(
        '[role="status"], [aria-label="Connection"], [data-connection]',
      ))
        if (each.textContent) said.add(each.textContent);
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  });
  await server().stopServing();
  await banner(page).getByText("The server is restarting").waitFor();
  await state(page).getByText("Server restarting…").waitFor();
  await server().again();
  await online(page);
  const said = await page.evaluate(() => [...(Reflect.get(window, "said") as Set<string>)].join("\n"));
  expect(said).not.toMatch(/cannot be reached|Reconnecting/);
  await page.locator(".xterm-helper-textarea").last().focus();
  await page.keyboard.type("echo a''gain\r");
  await shows(page, "again");
  await notReloaded(page);
});

test("who signs in while the server is away is told, and tries again from there", async () => {
  const way = await door();
  const page = await (await visit(undefined, { endpoint: way.endpoint })).open();
  await page.getByLabel("Token").waitFor();
  await way.shut();
  await page.getByLabel("Token").fill(server().token());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("The server does not answer").waitFor();
  await way.reopen();
  await page.getByRole("button", { name: "Try again" }).click();
  await message(page).waitFor();
});

test("the way back leads through the page, and from elsewhere back into it, live", async () => {
  const page = await (await visit()).signIn();
  await shell(page);
  await ask(page, "First words", "fake/quick");
  await finished(page);
  const first = page.url();
  await page.getByRole("button", { name: /^Mosaic, workspace/ }).click();
  await page.getByRole("menuitem", { name: "Usage" }).click();
  await page.getByRole("heading", { name: "Usage" }).waitFor();
  await page.goBack();
  await answer(page).getByText("A short answer").waitFor();
  expect(page.url()).toBe(first);
  await page.goto("about:blank");
  await page.goBack();
  await answer(page).getByText("A short answer").waitFor();
  await online(page);
  // As a browser that had kept the whole page: its locks have fallen meanwhile.
  await page.evaluate(() => {
    window.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  });
  await page.locator(".xterm-helper-textarea").last().focus();
  await page.keyboard.type("echo st''ill\r");
  await shows(page, "still");
  await say(page, "And now?");
  await finished(page);
});
