// What goes between a terminal and the clipboard, both ways, and who is asked. It must not know how keys travel.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";
import { atShell, placeOf, prompt, run, screen, shows } from "./support/terminal.ts";

const { visit } = suite();

function clipboard(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}

/** As a person does it: the text is on the clipboard, then the browser pastes. */
async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((words) => navigator.clipboard.writeText(words), text);
  await prompt(page).focus();
  await page.keyboard.press("Control+Shift+V");
}

test("what is selected is copied by key and by menu, and at once if that is wanted", async () => {
  const page = await atShell(await visit());
  await run(page, "echo sel''ected");
  await shows(page, "selected");
  const at = await placeOf(page, "selected");
  await page.mouse.dblclick(at.x, at.y);
  await page.keyboard.press("Control+Shift+C");
  await expect.poll(() => clipboard(page)).toBe("selected");
  await run(page, "echo ano''ther");
  await shows(page, "another");
  const next = await placeOf(page, "another");
  await page.mouse.dblclick(next.x, next.y);
  await page.mouse.click(next.x, next.y, { button: "right" });
  await page.getByRole("menuitem", { name: /^Copy/ }).first().click();
  await expect.poll(() => clipboard(page)).toBe("another");
  await page.mouse.click(next.x, next.y, { button: "right" });
  await page.getByRole("menuitemcheckbox", { name: "Copy what is selected" }).click();
  await page.mouse.dblclick(at.x, at.y);
  await expect.poll(() => clipboard(page)).toBe("selected");
});

test("many lines run only after a yes; a program that takes a paste as one is not asked about", async () => {
  const page = await atShell(await visit());
  const question = page.getByRole("alertdialog");
  const lines = Array.from({ length: 8 }, (_, n) => `line ${n}`).join("\n");
  // Not bracketed: cat reads each line.
  await run(page, "cat -A");
  await shows(page, "cat -A");
  await paste(page, `${lines}\n`);
  await question.getByText("Paste 9 lines?").waitFor();
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "detached" });
  expect(await screen(page)).not.toContain("line 0");
  await paste(page, `${lines}\n`);
  await question.getByRole("button", { name: "Paste" }).click();
  await shows(page, "line 7$");
  // Bracketed: what could end the brackets from inside does not.
  await page.keyboard.press("Control+D");
  await run(
    page,
    "clear; stty -icanon -echo; printf '\\033[?2004hrea'; echo dy; head -c 70 | cat -v; stty sane",
  );
  await shows(page, "ready");
  await paste(page, `one\ntwo\x1b[201~rm -rf\n${"x".repeat(60)}`);
  await shows(page, /\^\[\[200~one/);
  expect(await question.count()).toBe(0);
  const shown = await screen(page);
  expect(shown.match(/\^\[\[200~/g)).toHaveLength(1);
  // A picture of an escape is M-bM-^PM-^[ there.
  expect(shown).not.toMatch(/(?<!M-)\^\[\[201~/);
});

test("a large paste arrives whole, with the keys typed behind it", async () => {
  const page = await atShell(await visit());
  const bytes = 3_000_000;
  // Raw, so that no line is too long, and counted with its sum.
  await run(
    page,
    "stty raw -echo; printf 'rea''dy'; head -c 3000006 | tee >(tail -c 6 >/tmp/mosaic-tail-$$) | md5sum; stty sane; cat /tmp/mosaic-tail-$$; rm /tmp/mosaic-tail-$$",
  );
  await shows(page, "ready");
  const text = "0123456789abcdef".repeat(bytes / 16);
  await paste(page, text);
  await page.getByRole("alertdialog").getByRole("button", { name: "Paste" }).click();
  await page.getByText(/^Pasting: /).waitFor();
  await prompt(page).focus();
  await page.keyboard.type("behind");
  const { createHash } = await import("node:crypto");
  await shows(page, createHash("md5").update(`${text}behind`).digest("hex"));
  await shows(page, "behind");
});

test("a program's wish to write to the clipboard waits for a yes, and it is never told what is there", async () => {
  const page = await atShell(await visit());
  await page.evaluate(() => navigator.clipboard.writeText("secret"));
  const wish = page
    .getByRole("region", { name: "Notifications" })
    .getByText(/wants to write to the clipboard/);
  const osc = (text: string) => `printf '\\033]52;c;${Buffer.from(text).toString("base64")}\\007'`;
  await prompt(page).focus();
  await run(page, osc("from a program"));
  await wish.waitFor();
  expect(await clipboard(page)).toBe("secret");
  await wish.hover();
  await page.getByRole("button", { name: "Close the message" }).last().click();
  await wish.waitFor({ state: "detached" });
  expect(await clipboard(page)).toBe("secret");
  // A read is answered by nothing at all.
  await prompt(page).focus();
  await run(
    page,
    "clear; printf '\\033]52;c;?\\007'; IFS= read -rs -t 1 -n 1 answer; echo \"answer: [$answer]\"",
  );
  await shows(page, "answer: []");
  await expect
    .poll(
      async () => {
        await run(page, osc("allowed"));
        return wish.count();
      },
      { interval: 1000, timeout: 10_000 },
    )
    .toBe(1);
  await page.getByRole("button", { name: "Allow" }).last().click();
  await expect.poll(() => clipboard(page)).toBe("allowed");
  // What is told again is no wish.
  await wish.waitFor({ state: "detached" });
  await page.reload();
  await shows(page, "answer: []");
  expect(await wish.count()).toBe(0);
  expect(await clipboard(page)).toBe("allowed");
});
