// What a terminal shows and what one does with it: links, search, sizes of text, bells, titles. It must not know xterm's insides.

import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";
import {
  atShell,
  names,
  openShell,
  placeOf,
  prompt,
  run,
  screen,
  shownTab,
  shows,
  tab,
  view,
} from "./support/terminal.ts";

const { server, visit } = suite();

test("links lead to http and https only, and only with Ctrl", async () => {
  const person = await visit();
  const page = await atShell(person);
  const good = `${server().endpoint}/#usage`;
  const bad = ["javascript:window.stolen=1", "file:///etc/passwd", "data:text/html,x"];
  await run(page, `clear; echo; echo ${good}`);
  for (const [n, url] of bad.entries()) {
    await run(page, `echo '${url}'; printf '\\033]8;;${url}\\033\\\\lin''k-${n}\\033]8;;\\033\\\\\\n'`);
  }
  await run(page, `printf '\\033]8;;${good}\\033\\\\lin''k-good\\033]8;;\\033\\\\\\n'`);
  await shows(page, "link-good");
  const hint = page.getByRole("tooltip").filter({ hasText: "to open" });
  for (const words of ["link-0", "link-1", "link-2"]) {
    const { x, y } = await placeOf(page, words);
    await page.mouse.move(x, y);
    await page.keyboard.down("Control");
    await page.mouse.click(x, y);
    await page.keyboard.up("Control");
    // A hint comes with the next frame, if it comes.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    expect(await hint.count(), words).toBe(0);
  }
  expect(person.context.pages()).toHaveLength(1);
  expect(await page.evaluate(() => Reflect.get(window, "stolen"))).toBeUndefined();
  for (const words of ["link-good", good]) {
    const { x, y } = await placeOf(page, words);
    await page.mouse.move(x, y);
    await hint.getByText(good).waitFor();
    await page.mouse.click(x, y);
    expect(person.context.pages()).toHaveLength(1);
    const opened = person.context.waitForEvent("page");
    await page.keyboard.down("Control");
    await page.mouse.click(x, y);
    await page.keyboard.up("Control");
    const other = await opened;
    expect(await other.evaluate(() => window.opener)).toBeNull();
    await other.close();
    await page.mouse.move(0, 0);
    await hint.waitFor({ state: "detached" });
  }
});

test("search finds older lines, counts them, and knows case and patterns", async () => {
  const page = await atShell(await visit());
  await run(page, "echo Nee''dle first; seq 1 300; echo nee''dle last; echo needless");
  await shows(page, "needle last");
  await page.keyboard.press("Control+Shift+F");
  const bar = page.getByRole("search", { name: "Find in the terminal" });
  const field = bar.getByRole("textbox", { name: "Find" });
  await field.fill("needle ");
  await bar.getByText("2 of 2").waitFor();
  await field.press("Enter");
  await bar.getByText("1 of 2").waitFor();
  await shows(page, "Needle first");
  await bar.getByRole("button", { name: "Next match" }).click();
  await bar.getByText("2 of 2").waitFor();
  await bar.getByRole("button", { name: "Match case" }).click();
  await bar.getByText("1 of 1").waitFor();
  await field.fill("^2[0-9]9$");
  await bar.getByText("No results").waitFor();
  await bar.getByRole("button", { name: "Regular expression" }).click();
  await bar.getByText(/of 10$/).waitFor();
  await field.fill("(");
  await bar.getByText("No such pattern").waitFor();
  await field.press("Escape");
  await bar.waitFor({ state: "detached" });
  expect(await prompt(page).evaluate((area) => area === document.activeElement)).toBe(true);
});

test("text grows and shrinks by keys, the program gets the room, and the size is kept", async () => {
  const page = await atShell(await visit());
  const wide = async () => {
    await run(page, "clear; stty size");
    await shows(page, /^(?!.*clear).*\d+ \d+/);
    return Number((await screen(page)).match(/^\d+ (\d+)\s*$/m)?.[1]);
  };
  const before = await wide();
  for (let n = 0; n < 4; n++) await page.keyboard.press("Control+Shift+Equal");
  await expect.poll(wide, { timeout: 20_000 }).toBeLessThan(before - 20);
  const large = await wide();
  await page.reload();
  await shows(page, "$");
  await prompt(page).focus();
  await expect.poll(wide, { timeout: 20_000 }).toBe(large);
  await page.keyboard.press("Control+Shift+Minus");
  await expect.poll(wide, { timeout: 20_000 }).toBeGreaterThan(large);
  await page.keyboard.press("Control+Shift+Digit0");
  await expect.poll(wide, { timeout: 20_000 }).toBe(before);
});

test("a bell flashes, marks a tab that is not shown, and makes a sound if that is wanted", async () => {
  const person = await visit();
  await person.context.addInitScript(() => {
    Reflect.set(
      window,
      "AudioContext",
      class {
        currentTime = 0;
        destination = {};
        createGain = () => ({
          gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} },
          connect: (to: unknown) => to,
        });
        createOscillator = () => ({
          frequency: {},
          connect: (to: unknown) => to,
          start: () => Reflect.set(window, "sounded", true),
          stop() {},
        });
      },
    );
  });
  const page = await atShell(person);
  const [first = ""] = await names(page);
  await run(page, "printf '\\a'; echo ra''ng");
  await shows(page, "rang");
  await page.locator('[class*="bell"]').first().waitFor({ state: "attached" });
  expect(await page.evaluate(() => Reflect.get(window, "sounded"))).toBeUndefined();
  await run(page, "read -r; printf '\\a'");
  await openShell(page);
  await server().mosaic("term", "send", first, "--enter", "x");
  await tab(page, /bell rang/).waitFor();
  await tab(page, /bell rang/).click();
  await expect.poll(() => shownTab(page).textContent()).not.toContain("bell");
  await page.getByRole("button", { name: "Settings" }).first().click();
  await page.getByLabel("When the bell rings").click();
  await page.getByRole("option", { name: "Sound" }).click();
  await page.keyboard.press("Escape");
  await view(page, first).click();
  await run(page, "printf '\\a'");
  await expect.poll(() => page.evaluate(() => Reflect.get(window, "sounded"))).toBe(true);
});

test("a title is the program's, as text without control characters", async () => {
  const page = await atShell(await visit());
  const hostile = '<img src=x onerror="window.stolen=1">';
  await run(page, `PS1='> '; printf '\\033]0;one ${hostile}\\007'`);
  await shownTab(page).getByText(`one ${hostile}`).waitFor();
  await run(page, "printf '\\033]2;two\\001\\t\\010three\\177 \\302\\233 \\342\\200\\256four\\033\\\\'");
  await shownTab(page).getByText(/two/).waitFor();
  const title = (await shownTab(page).getAttribute("title")) ?? "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(title).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  expect(await shownTab(page).textContent()).toContain("three");
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  expect(await page.evaluate(() => Reflect.get(window, "stolen"))).toBeUndefined();
  await page.reload();
  await shownTab(page).getByText(/two/).waitFor();
});
