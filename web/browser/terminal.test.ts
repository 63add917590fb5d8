// Terminals in a real browser: typed into, killed under, reloaded, flooded. It must not know how the page does it.

import { expect, test } from "vitest";
import { answer, ask, finished } from "./support/chat.ts";
import { suite } from "./support/suite.ts";
import { atShell, screen, shows } from "./support/terminal.ts";

const { server, visit } = suite();

/** Keys that cannot be mistaken for each other's neighbours: the numbers from 1, joined. */
function keys(count: number): string {
  return Array.from({ length: count }, (_, n) => String.fromCharCode(97 + ((n * 7) % 26))).join("");
}

/** A shell that hashes what it reads: the line, and whether it is the one expected. */
function reader(expected: string): string {
  return `read -r line; [ "$line" = "${expected}" ] && echo "line is r""ight" || echo "line is wr""ong: $line"\r`;
}

test("two hundred keys without a pause arrive in order", async () => {
  const page = await atShell(await visit());
  const typed = keys(200);
  await page.keyboard.type(reader(typed));
  await shows(page, "read -r");
  for (const key of typed) void page.keyboard.press(key);
  await page.keyboard.press("Enter");
  await shows(page, "line is right");
});

test("a kill of the server in the middle of typing loses no key and doubles none", async () => {
  const page = await atShell(await visit());
  const typed = keys(120);
  await page.keyboard.type(reader(typed));
  await shows(page, "read -r");
  for (const [place, key] of [...typed].entries()) {
    if (place === 40) await server().kill9();
    if (place === 80) await server().again();
    await page.keyboard.press(key);
  }
  await page.keyboard.press("Enter");
  await shows(page, "line is right");
});

test("a reload shows the same tabs and the same bytes", async () => {
  const page = await atShell(await visit());
  await page.keyboard.type("seq 1 20; echo the e''nd\r");
  await shows(page, "the end");
  const before = await screen(page);
  await page.reload();
  await shows(page, "the end");
  expect((await screen(page)).trimEnd()).toBe(before.trimEnd());
});

test("ten megabytes of output and an answer come at the same time", async () => {
  const page = await atShell(await visit());
  await page.keyboard.type(
    "yes 0123456789012345678901234567890123456789 | head -c 10000000; echo f''lood over\r",
  );
  await ask(page, "Meanwhile", "fake/markdown");
  await finished(page);
  await answer(page).getByText("A last paragraph that closes the answer.").waitFor();
  await shows(page, "flood over");
});

test("what a program prints stays text, and its title too", async () => {
  const page = await atShell(await visit());
  const hostile = '<img src=x onerror="window.stolen=1">';
  await page.keyboard.type(`printf '\\033]0;${hostile}\\007${hostile}\\n'; echo p''rinted\r`);
  await shows(page, "printed");
  expect(await page.evaluate(() => Reflect.get(window, "stolen"))).toBeUndefined();
  expect(await page.locator('img[src="x"]').count()).toBe(0);
});
