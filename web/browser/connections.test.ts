// Few connections for many tabs, by a shared worker or without one: six to a host are all that a browser has. It must
// not know how the page shares them.

import type { Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import type { Visit } from "./support/browser.ts";
import { answer, ask, finished, numbers } from "./support/chat.ts";
import { Door } from "./support/door.ts";
import { suite } from "./support/suite.ts";
import { openShell, prompt, readable, screen, shows } from "./support/terminal.ts";

const { server, visit } = suite();
const doors: Door[] = [];
const ALL = Array.from({ length: 400 }, (_, n) => n);

afterEach(async () => {
  for (const door of doors.splice(0)) await door.end();
});

async function person(worker: boolean): Promise<{ who: Visit; door: Door }> {
  const door = await Door.open(server().endpoint);
  doors.push(door);
  const who = await visit(undefined, { endpoint: door.endpoint });
  if (!worker) await who.context.addInitScript(() => Reflect.deleteProperty(window, "SharedWorker"));
  return { who, door };
}

/** A tab that a page opens is signed in as that page is. */
async function tab(who: Visit, opener: Page): Promise<Page> {
  const opened = who.context.waitForEvent("page");
  await opener.evaluate(() => void window.open(location.origin));
  const page = await opened;
  await readable(page);
  await page.reload();
  await openShell(page);
  await shows(page, "$");
  return page;
}

test.each([
  ["with a shared worker", true],
  ["without one", false],
])(
  "three pages type at once while an answer streams, over three streams and one for a swap, %s",
  async (_, worker) => {
    const { who, door } = await person(worker);
    const opener = await who.signIn();
    const pages: Page[] = [];
    for (let n = 0; n < 3; n++) pages.push(await tab(who, opener));
    const [first] = pages;
    if (!first) throw new Error("there is no page");
    await prompt(first).focus();
    await first.keyboard.type("for n in $(seq 1 40); do echo line-$n; sleep 0.05; done; echo a''ll\r");
    await shows(first, "line-2");
    await ask(first, "Count", "fake/numbers");
    await answer(first).getByText("n5", { exact: false }).waitFor();
    // Without a worker this one leads: the next one takes over in the middle of all, and nothing is lost or doubled.
    await opener.close();
    await shows(first, "all");
    const lines = [...(await screen(first)).matchAll(/^line-(\d+)$/gm)].map(([, n]) => Number(n));
    const [from = 0] = lines;
    expect(lines).toEqual(Array.from({ length: 40 - from + 1 }, (_, n) => from + n));
    // What is stored hides later what a stream has lost.
    const shown = await numbers(first);
    expect(shown).toEqual(ALL.slice(0, shown.length));
    await Promise.all(
      pages.map(async (page, n) => {
        await prompt(page).focus();
        for (let round = 0; round < 5; round++) {
          await page.keyboard.type(`echo page ${n} r''ound ${round}\r`);
          await shows(page, `page ${n} round ${round}`);
        }
      }),
    );
    await finished(first);
    expect(await numbers(first)).toEqual(ALL);
    expect(door.mostStreams).toBeGreaterThanOrEqual(2);
    expect(door.mostStreams).toBeLessThanOrEqual(4);
    await expect.poll(() => door.openStreams).toBeLessThanOrEqual(3);
  },
);
