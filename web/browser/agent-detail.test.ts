// One agent in a real browser: its terminal and log over reloads and a killed server, what is typed to it, how it is
// ended. It must not know how the page does it.

import { expect, test } from "vitest";
import { detail, jobNow, log, look, printed, row, spawn, state } from "./support/agents.ts";
import { suite } from "./support/suite.ts";
import { readable, shows } from "./support/terminal.ts";

const { server, visit } = suite();

/** The numbers of lines such as "n12", in the order in which they stand there. */
function numbers(text: string): number[] {
  return [...text.matchAll(/\bn(\d+)\b/g)].map(([, n]) => Number(n));
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

test("a log goes on over a reload and a killed server, with every line once", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "counts", "for n in $(seq 50); do echo n$n; sleep 0.1; done; echo all of them");
  await look(page, "counts", "Log");
  await log(page)
    .getByText(/\bn5\b/)
    .waitFor();
  await page.reload();
  // It is where it was, at the same tab.
  await log(page)
    .getByText(/\bn15\b/)
    .waitFor();
  await server().kill9();
  await server().again();
  await log(page).getByText("all of them").waitFor();
  expect(numbers((await log(page).textContent()) ?? "")).toEqual(upTo(50));
  await state(page).getByText("Succeeded").waitFor();
});

test("a terminal is live, is the agent's own, and survives a reload and a killed server", async () => {
  const page = await (await visit()).signIn();
  await readable(page);
  await page.reload();
  await spawn(server(), "typed", "while read -r line; do echo got: $line.; done");
  await look(page, "typed", "Terminal");
  const keys = detail(page).locator(".xterm-helper-textarea");
  await keys.focus();
  await page.keyboard.type("one\n");
  await shows(page, "got: one.");
  await page.reload();
  await shows(page, "got: one.");
  await keys.focus();
  await page.keyboard.type("two\n");
  await shows(page, "got: two.");
  await server().kill9();
  await page.keyboard.type("three\n");
  await server().again();
  await shows(page, "got: three.");
  const got = (await printed(server(), "typed")).match(/got: \w+\./g);
  expect(got).toEqual(["got: one.", "got: two.", "got: three."]);
  await server().mosaic("agent", "kill", "typed");
});

test("a question stands large, and an answer goes in once, also over a server that is away", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "asker", "twice", "--profile", "asks");
  await row(page, "asker").getByText("Needs input").waitFor();
  await look(page, "asker");
  const shown = detail(page);
  await shown.getByText("It asks: Continue? [y/N]").waitFor();
  await server().kill9();
  await shown.getByRole("button", { name: "Answer y" }).click();
  await shown.getByRole("alert").waitFor();
  await server().again();
  await shown.getByRole("button", { name: "Try again" }).click();
  await state(page).getByText("Succeeded").waitFor();
  expect(await printed(server(), "asker")).toContain("you said y");
  expect((await printed(server(), "asker")).match(/you said/g)).toHaveLength(1);
});

test("a pressed answer is not pressed again into the next question", async () => {
  const page = await (await visit()).signIn();
  const ask =
    "read -r -p 'First? [y/N] ' a; echo; sleep 0.3; read -r -p 'Second? [y/N] ' b; echo \"heard $a and $b.\"";
  await spawn(server(), "asks-two", ask);
  await row(page, "asks-two").getByText("Needs input").waitFor();
  await look(page, "asks-two");
  const yes = detail(page).getByRole("button", { name: "Answer y" });
  const first = await yes.elementHandle();
  await Promise.all([page.waitForResponse(/SendInput/), yes.click()]);
  // A finger that trembles.
  await first?.evaluate((button) => button instanceof HTMLElement && button.click());
  await detail(page).getByText("It asks: Second? [y/N]").waitFor();
  expect((await jobNow(server(), "asks-two")).state).toBe("STATE_INPUT_REQUIRED");
  const line = detail(page).getByRole("textbox", { name: "Type a line to asks-two" });
  await line.fill("no, thanks");
  await line.press("Enter");
  await state(page).getByText("Succeeded").waitFor();
  expect(await printed(server(), "asks-two")).toContain("heard y and no, thanks.");
});

test("kill asks with a reason, and its receipt says that nothing is left", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "victim", "sleep 600 & sleep 601");
  await look(page, "victim");
  await state(page).getByText("Running").waitFor();
  await detail(page).getByRole("button", { name: "Kill", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Kill victim?" });
  await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
  expect((await jobNow(server(), "victim")).state).toBe("STATE_RUNNING");
  await detail(page).getByRole("button", { name: "Kill", exact: true }).click();
  await dialog.getByLabel("Reason").fill("it sleeps too long");
  await dialog.getByRole("button", { name: "Kill", exact: true }).click();
  const receipt = page.getByRole("dialog", { name: "victim is ended" });
  await receipt.getByText("Proven: nothing of it is left.").waitFor();
  await receipt.getByText("it sleeps too long").waitFor();
  await receipt
    .getByText(/SIG(HUP|TERM|KILL).* to \d process/)
    .first()
    .waitFor();
  await receipt.getByRole("button", { name: "Done" }).click();
  await state(page).getByText("Cancelled").waitFor();
  // The receipt is kept with it.
  await detail(page).getByRole("heading", { name: "Receipt" }).waitFor();
  await page.reload();
  await detail(page).getByText("Proven: nothing of it is left.").waitFor();
});
