// A terminal's output and end come from elsewhere, or from before: what of it reaches the page, and what the page must not do about it.
// It must not know how readers are told apart.

import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";
import {
  ASK,
  atShell,
  names,
  openFromList,
  prompt,
  run,
  screen,
  shows,
  tab,
  tabs,
  tool,
  view,
} from "./support/terminal.ts";

const { server, visit } = suite();

test("a program's questions are answered once, and not again when they are replayed", async () => {
  const page = await atShell(await visit());
  await run(page, ASK);
  await shows(page, "answers: 1");
  // Whatever is typed now shows as it is.
  const answers = async () => (await screen(page)).match(/\^\[\[\?[\d;]+c/g)?.length;
  await run(page, "clear; printf '\\033[c'; cat >/dev/null");
  await expect.poll(answers).toBe(1);
  await run(page, "before");
  await page.reload();
  await shows(page, "before");
  await prompt(page).focus();
  await run(page, "behind");
  await shows(page, "behind");
  expect(await answers()).toBe(1);
});

test("a terminal closed with keys under way takes no other with it", async () => {
  const page = await atShell(await visit());
  const [first = ""] = await names(page);
  await tool(page, "New terminal").click();
  await tabs(page).getByRole("tab").nth(1).waitFor();
  const second = (await names(page))[1] ?? "";
  await shows(view(page, second), "$");
  await run(page, "cat >/dev/null");
  for (const key of "many keys without a pause".repeat(8))
    void page.keyboard.press(key === " " ? "Space" : key);
  await tool(page, "Close terminal").click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Close terminal" }).click();
  await tab(page, second).waitFor({ state: "detached" });
  await view(page, first).click();
  await run(page, "echo goes o''n");
  await shows(page, "goes on");
  expect(await page.getByText(/Typing waits/).count()).toBe(0);
});

test("terminals of others appear by themselves; closed and deleted elsewhere they say so", async () => {
  const page = await atShell(await visit());
  await server().mosaic("term", "new", "-d", "--name", "elsewhere", "--", "/bin/cat");
  await openFromList(page, "elsewhere");
  await prompt(page).focus();
  await run(page, "hello");
  await shows(page, /hello.*hello/s);
  await server().mosaic("term", "rename", "elsewhere", "renamed");
  await tab(page, "renamed").waitFor();
  await server().mosaic("term", "close", "renamed");
  await view(page, "renamed")
    .getByText(/^Closed after/)
    .waitFor();
  await server().mosaic("term", "rm", "renamed");
  await page.getByText(/It was deleted/).waitFor();
  await tab(page, "renamed").waitFor();
  await page.reload();
  await page.getByText(/were deleted/).waitFor();
  await tool(page, "Close terminal").click();
  await expect.poll(() => names(page)).toHaveLength(1);
});
