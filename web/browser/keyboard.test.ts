// The whole page without a mouse: reached by keys, with the focus in sight at each stop. It must not know how the page
// moves it.

import { expect, test } from "vitest";
import { answer, ask, finished } from "./support/chat.ts";
import { goTo, round, stop } from "./support/keys.ts";
import { suite } from "./support/suite.ts";
import { openShell, readable, shows } from "./support/terminal.ts";

const { server, visit } = suite();

test("everything one does all day is done with keys alone", async () => {
  const page = await (await visit()).signIn();
  await readable(page);
  await page.reload();
  const { keyboard } = page;
  // Where one types has the focus at once.
  await expect.poll(async () => (await stop(page)).name).toBe("Message");
  await keyboard.type("First question");
  await keyboard.press("Enter");
  await finished(page);
  await keyboard.press("Control+Shift+O");
  await expect.poll(async () => (await stop(page)).name).toBe("Message");
  await keyboard.type("Second question");
  await keyboard.press("Enter");
  await finished(page);

  // Another conversation is opened in the list, by arrows.
  await keyboard.press("Shift+F6");
  const list = page.getByRole("list", { name: "Conversations" });
  for (let n = 0; n < 20 && !(await list.evaluate((each) => each.contains(document.activeElement))); n++)
    await keyboard.press("Tab");
  const before = page.url();
  await keyboard.press("ArrowDown");
  await expect.poll(async () => (await stop(page)).html).not.toContain("aria-current");
  await keyboard.press("Enter");
  await expect.poll(() => page.url()).not.toBe(before);
  await page.getByRole("article").filter({ hasText: "First question" }).waitFor();

  // A terminal: opened, typed into, and left by Tab.
  await goTo(page, /^New terminal$/);
  await keyboard.press("Enter");
  await page.locator(".xterm-helper-textarea").waitFor({ state: "attached" });
  await expect.poll(async () => (await stop(page)).html).toContain("xterm-helper-textarea");
  await shows(page, "$");
  await keyboard.type("echo b''y keys\r");
  await shows(page, "by keys");
  // Tab completes here, as in any terminal.
  await keyboard.type("ls /proc/self/statu");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await shows(page, "/proc/self/status");
  await keyboard.press("Control+Shift+M");
  await keyboard.press("Tab");
  expect((await stop(page)).html).not.toContain("xterm");

  // The agents: gone to, one spawned by the form.
  await goTo(page, /^Spawn$/);
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: /spawn/i }).waitFor();
  await goTo(page, /^(Prompt|Command line|Command)/);
  await keyboard.type("echo from the form; sleep 300");
  await goTo(page, /^Name/);
  await keyboard.type("keyed");
  await goTo(page, /^Spawn/);
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: /spawn/i }).waitFor({ state: "detached" });
  await page
    .getByRole("region", { name: "Agents and jobs" })
    .getByRole("button", { name: /keyed/ })
    .waitFor();
  // The focus is where it was before the dialog.
  await expect.poll(async () => (await stop(page)).name).toMatch(/Spawn/);

  // The settings: a theme by arrows; Escape gives the focus back.
  await goTo(page, /^Settings$/, "Shift+Tab");
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Settings" }).waitFor();
  await goTo(page, /As the system$/);
  await keyboard.press("ArrowRight");
  await keyboard.press("ArrowRight");
  await page.locator('html[data-theme="light"]').waitFor();
  await keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(async () => (await stop(page)).name).toBe("Settings");

  // The menu, and a view by it.
  await goTo(page, /^Mosaic, workspace/, "Shift+Tab");
  await keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await goTo(page, /^Usage$/, "ArrowDown", 10);
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Usage" }).waitFor();
});

test("F6 goes round the parts of the page, also out of a terminal", async () => {
  const page = await (await visit()).signIn();
  await openShell(page);
  const part = () =>
    page.evaluate(() => document.activeElement?.closest("[id^=region-]")?.id.slice("region-".length));
  await expect.poll(part).toBe("terminals");
  const went: (string | undefined)[] = [];
  await page.keyboard.press("Control+Shift+F6");
  went.push(await part());
  for (let n = 0; n < 3; n++) {
    await page.keyboard.press("F6");
    went.push(await part());
  }
  expect(went).toEqual(["agents", "conversations", "main", "terminals"]);
});

test("each stop of the Tab key has a name and a focus that is seen, on a wide page and in its dialogs", async () => {
  const page = await (await visit()).signIn();
  await server().mosaic("agent", "spawn", "--name", "walker", "--", "sleep 300");
  await ask(page, "Show me what you can", "fake/markdown");
  await finished(page);
  await answer(page).getByText("A last paragraph").waitFor();
  await openShell(page);
  await page.keyboard.press("Control+Shift+M");
  for (const [place, open] of [
    ["page", async () => {}],
    ["settings", () => page.keyboard.press("Control+,")],
    ["shortcuts", () => page.keyboard.press("Control+/")],
    ["palette", () => page.keyboard.press("Control+k")],
  ] as const) {
    await open();
    if (place !== "page") await page.getByRole("dialog").waitFor();
    const stops = await round(page);
    expect(stops.length, place).toBeGreaterThan(0);
    const wrong = stops.filter(({ name, visible, inView }) => name === "" || !visible || !inView);
    expect(wrong, place).toEqual([]);
    if (place !== "page") await page.keyboard.press("Escape");
  }
});

test("the first stops skip to the parts of the page", async () => {
  const page = await (await visit()).signIn();
  const first = await goTo(page, /^Skip to the main part$/, "Shift+Tab");
  expect(first.visible && first.inView).toBe(true);
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await stop(page)).name).toBe("Message");
});

test("the parts of the page are landmarks with names", async () => {
  const page = await (await visit()).signIn();
  await page.getByRole("banner").first().waitFor();
  await page.getByRole("main").waitFor();
  await page.getByRole("contentinfo").first().waitFor();
  await page.getByRole("complementary", { name: "All conversations" }).waitFor();
  await page.getByRole("complementary", { name: "Agents", exact: true }).waitFor();
  await page.getByRole("region", { name: "Terminals" }).waitFor();
  expect(await page.locator("html").getAttribute("lang")).toBe("en");
  expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
});
