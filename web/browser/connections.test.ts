// Three visible pages over HTTP/1.1: six connections to a host are all that a browser has. It must not know how the
// page shares them.

import { expect, test } from "vitest";
import { answer, ask, finished, numbers } from "./support/chat.ts";
import { suite } from "./support/suite.ts";
import { openShell, readable, shows } from "./support/terminal.ts";

const { visit } = suite();

test("three pages type at once while an answer streams", async () => {
  const person = await visit();
  const opener = await person.signIn();
  const pages = [];
  for (let n = 0; n < 3; n++) {
    // A tab that a page opens is signed in as that page is.
    const opened = person.context.waitForEvent("page");
    await opener.evaluate(() => void window.open(location.origin));
    const page = await opened;
    await readable(page);
    await page.reload();
    await openShell(page);
    await shows(page, "$");
    pages.push(page);
  }
  const [first] = pages;
  if (!first) throw new Error("there is no page");
  await ask(first, "Count", "fake/numbers");
  await answer(first).getByText("n5", { exact: false }).waitFor();
  await opener.close();
  await Promise.all(
    pages.map(async (page, n) => {
      await page.locator(".xterm-helper-textarea").last().focus();
      for (let round = 0; round < 5; round++) {
        await page.keyboard.type(`echo page ${n} r''ound ${round}\r`);
        await shows(page, `page ${n} round ${round}`);
      }
    }),
  );
  await finished(first);
  expect(await numbers(first)).toEqual(Array.from({ length: 400 }, (_, n) => n));
});

test("without shared workers the pages share by a lock, and the next one leads when the leader goes", async () => {
  const person = await visit();
  await person.context.addInitScript(() => Reflect.deleteProperty(window, "SharedWorker"));
  const leader = await person.signIn();
  const page = await person.signIn();
  await readable(page);
  await page.reload();
  await openShell(page);
  await shows(page, "$");
  await page.keyboard.type("echo b''efore\r");
  await shows(page, "before");
  await leader.close();
  await page.keyboard.type("echo a''fter\r");
  await shows(page, "after");
});
