// One terminal before several: viewers, who may only read, who answers for the terminal. It must not know how readers are told apart.

import { spawn } from "node:child_process";
import type { Page, Request } from "playwright-core";
import { expect, test } from "vitest";
import { account, environment, program } from "./support/place.ts";
import { suite } from "./support/suite.ts";
import {
  ASK,
  atShell,
  chooseOfTab,
  names,
  openFromList,
  prompt,
  readable,
  run,
  screen,
  shows,
  tab,
  tabs,
  tool,
  view,
} from "./support/terminal.ts";

const { server, visit } = suite();

/** Another page that shows the terminal, in a browser of its own unless it is given one. */
async function another(name: string, person?: Awaited<ReturnType<typeof visit>>): Promise<Page> {
  const who = person ?? (await visit());
  await readable(who.context);
  const page = await who.signIn();
  if ((await names(page)).includes(name)) await tab(page, name).click();
  else await openFromList(page, name);
  return page;
}

/** `mosaic term attach` in a terminal of the system's. */
function attach(name: string): { ended: Promise<unknown> } {
  const { uid, gid } = account();
  const child = spawn("script", ["-qefc", `${program("mosaic")} term attach ${name}`, "/dev/null"], {
    cwd: "/",
    env: {
      ...environment(),
      TERM: "xterm-256color",
      MOSAIC_ENDPOINT: server().endpoint,
      MOSAIC_TOKEN: server().token(),
    },
    stdio: ["pipe", "ignore", "ignore"],
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
  });
  return { ended: new Promise((ended) => child.once("exit", ended)) };
}

test("viewers are counted and named, from the command line too, and are shown out; who is may come back", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  const cli = attach(name);
  const other = await another(name);
  await shows(other, "$");
  // It asks when it begins, and then now and then.
  await page.reload();
  await tab(page, /3\s*viewers/).waitFor();
  await chooseOfTab(page, name, "Viewers");
  const dialog = page.getByRole("dialog", { name: `Viewers of ${name}` });
  const entries = dialog.getByRole("listitem");
  await expect.poll(() => entries.count()).toBe(3);
  await dialog
    .getByText(/operator/)
    .first()
    .waitFor();
  expect(await dialog.getByText(/watches/).count()).toBe(2);
  expect(await dialog.getByText(/is attached/).count()).toBe(1);
  const detach = { name: "Detach", exact: true };
  await entries
    .filter({ hasText: /is attached/ })
    .getByRole("button", detach)
    .click();
  await cli.ended;
  for (let left = 2; left > 0; left--) {
    await expect.poll(() => entries.count()).toBe(left);
    await entries.first().getByRole("button", detach).click();
  }
  await expect.poll(() => entries.count()).toBe(0);
  await page.keyboard.press("Escape");
  const told = view(page, name).getByRole("alert").filter({ hasText: "ended this view" });
  await told.getByRole("button", { name: "Try again" }).click();
  await told.waitFor({ state: "detached" });
  await run(page, "echo still h''ere");
  await shows(page, "still here");
});

test("with a viewer's token nothing is typed, sized, signalled or closed", async () => {
  const owner = await atShell(await visit());
  const [name = ""] = await names(owner);
  await run(owner, "echo be''fore");
  await shows(owner, "before");
  const token = (await server().mosaic("token", "create", "looker", "--role", "viewer")).trim();
  // Without a SharedWorker, so that all calls can be seen from here.
  const calls: string[] = [];
  const seen = (request: Request) => calls.push(new URL(request.url()).pathname);
  const looker = await visit({ width: 900, height: 700 });
  await readable(looker.context);
  await looker.context.addInitScript(() => Reflect.deleteProperty(window, "SharedWorker"));
  looker.context.on("request", seen);
  const page = await looker.enter(token);
  await openFromList(page, name);
  await shows(page, "before");
  await view(page, name).getByText("Read-only").waitFor();
  await prompt(page).focus();
  await page.keyboard.type("echo typed\r");
  await view(page, name).getByText("Your token can only read").waitFor();
  await page.keyboard.press("Control+Shift+V");
  await page.setViewportSize({ width: 1000, height: 600 });
  for (const gone of ["New terminal", "Split terminal", "Close terminal"])
    expect(await tool(page, gone).count(), gone).toBe(0);
  // Only the tab: the terminal runs on.
  await tab(page, name).focus();
  await page.keyboard.press("Delete");
  await tabs(page).getByRole("tab").waitFor({ state: "detached" });
  await run(owner, "echo af''ter");
  await shows(owner, "after");
  expect(await screen(owner)).not.toContain("typed");
  expect(calls.filter((path) => path.includes("TerminalService")).length).toBeGreaterThan(0);
  expect(
    calls.filter((path) =>
      /\/(Write|Resize|SendSignal|CloseTerminal|UpdateTerminal|CreateTerminal)$/.test(path),
    ),
  ).toEqual([]);
});

test("with several pages only the one that typed last answers, in one browser and in two", async () => {
  const first = await visit();
  const page = await atShell(first);
  const [name = ""] = await names(page);
  const same = await another(name, first);
  const far = await visit({ width: 1200, height: 800 });
  const other = await another(name, far);
  for (const [turn, each] of [page, same, other, page].entries()) {
    await view(each, name).click();
    await run(each, `clear; ${ASK}; echo turn ${turn} o''ver`);
    await shows(each, `turn ${turn} over`);
    await shows(each, "answers: 1");
  }
});

test("a size is that of the window that typed last, not of one that only looks, and can be taken", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  const other = await another(name, await visit({ width: 1100, height: 700 }));
  await view(other, name).click();
  const words = /the size of the window that typed last/;
  await view(other, name).getByText(words).waitFor();
  expect(await view(page, name).getByText(words).count()).toBe(0);
  await run(other, "clear; stty size");
  await shows(other, /^\s*\d+ \d+/m);
  await view(page, name)
    .getByText(/the size of the window that typed last/)
    .waitFor();
  await view(page, name).getByRole("button", { name: "Use this size" }).click();
  await view(other, name)
    .getByText(/the size of the window that typed last/)
    .waitFor();
  expect(
    await view(page, name)
      .getByText(/the size of the window/)
      .count(),
  ).toBe(0);
  // Who takes it goes on to type.
  await run(page, "clear; echo ta''ken");
  await shows(other, "taken");
});
