// The five themes: which one a page wears, in every tab, and what terminals are drawn with. It must not know how they
// are made. The colours here are those that the themes' authors publish.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { rowsOf, stripesOf } from "./support/picture.ts";
import { suite } from "./support/suite.ts";
import { openShell, prompt, readable, shows } from "./support/terminal.ts";
import { still, wear } from "./support/theme.ts";

const { visit } = suite();

const worn = (page: Page) => page.evaluate(() => document.documentElement.dataset.theme);
const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test("a page is as the system is until somebody chooses, and then as they chose, in all tabs", async () => {
  const person = await visit(undefined, { colorScheme: "light" });
  const page = await person.signIn();
  expect(await worn(page)).toBe("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(() => worn(page)).toBe("dark");
  const other = await person.open();
  // Behind another tab a page is drawn once a second.
  await page.bringToFront();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  const themes = page.getByRole("radiogroup", { name: "Theme" });
  expect(await themes.getByRole("radio", { name: "As the system" }).isChecked()).toBe(true);
  expect(await themes.getByRole("radio").count()).toBe(6);
  const seen = new Set<string>();
  for (const name of ["Dark", "Light", "Nord", "Dracula", "Solarized"]) {
    await themes
      .locator("label")
      .filter({ hasText: new RegExp(`${name}$`) })
      .click();
    for (const each of [page, other]) await expect.poll(() => worn(each)).toBe(name.toLowerCase());
    seen.add(await background(page));
  }
  expect(seen.size).toBe(5);
  await page.reload();
  await expect.poll(() => worn(page)).toBe("solarized");
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  // By the palette too; the system's is followed again.
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Command palette" }).waitFor();
  await page.keyboard.type("theme as the system");
  await page.keyboard.press("Enter");
  await expect.poll(() => worn(page)).toBe("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(() => worn(page)).toBe("light");
});

test("who is not signed in sees the theme of the system, without a flash of another", async () => {
  const person = await visit(undefined, { colorScheme: "light" });
  const page = await person.context.newPage();
  await page.addInitScript(() => {
    const seen = new Set<string>();
    Reflect.set(window, "seen", seen);
    const look = () => {
      if (document.body?.childElementCount)
        seen.add(getComputedStyle(document.documentElement).backgroundColor);
      requestAnimationFrame(look);
    };
    look();
  });
  await page.goto(person.endpoint);
  await page.getByLabel("Token").waitFor();
  const seen = await page.evaluate(() => [...(Reflect.get(window, "seen") as Set<string>)]);
  expect(seen).toEqual(["rgb(255, 255, 255)"]);
});

const CANONICAL = {
  nord: "3b4252 bf616a a3be8c ebcb8b 81a1c1 b48ead 88c0d0 e5e9f0 4c566a bf616a a3be8c ebcb8b 81a1c1 b48ead 8fbcbb eceff4",
  dracula:
    "21222c ff5555 50fa7b f1fa8c bd93f9 ff79c6 8be9fd f8f8f2 6272a4 ff6e6e 69ff94 ffffa5 d6acff ff92df a4ffff ffffff",
  solarized:
    "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3",
};
const BACKGROUNDS = { nord: "#2e3440", dracula: "#282a36", solarized: "#002b36" };

test("a terminal's sixteen colours are the theme's own, and change with it", async () => {
  const page = await (await visit()).signIn();
  await readable(page);
  await page.reload();
  await openShell(page);
  await shows(page, "$");
  await page.keyboard.type(
    "clear; for n in $(seq 0 15); do printf '\\e[48;5;%dm   ' $n; done; printf '\\e[0m\\n'; echo pain''ted\r",
  );
  await shows(page, "painted");
  await prompt(page).blur();
  for (const [theme, colours] of Object.entries(CANONICAL)) {
    await wear(page, theme);
    await still(page);
    const wanted = colours.split(" ").map((colour) => `#${colour}`);
    const ground = BACKGROUNDS[theme as keyof typeof BACKGROUNDS];
    // A colour that is the background's own cannot be told from it.
    const told = wanted.filter((colour) => colour !== ground);
    await expect
      .poll(
        async () => {
          const rows = stripesOf(rowsOf(await page.locator(".xterm").last().screenshot()), 12);
          const best = rows
            .map((row) => row.filter((colour) => colour !== ground))
            .find((row) => row.length >= told.length);
          return best?.join(" ");
        },
        { timeout: 10_000 },
      )
      .toBe(told.join(" "));
  }
});
