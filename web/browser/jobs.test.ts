// Jobs in a real browser: what they wait for, what became of those before them, cancelling, trying again, the queue's
// pause, and what is told of it all. It must not know how the page does it.

import { expect, test } from "vitest";
import { choose, detail, job, jobNow, panel, row, spawn, state } from "./support/agents.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

test("jobs stand below what they depend on, and say which failure they failed of", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "base", "read -r x; exit 7");
  await spawn(server(), "middle", "true", "--depends-on", "base");
  await spawn(server(), "leaf", "true", "--depends-on", "middle");
  await choose(page, "Jobs");
  await job(page, "middle").getByText("Waits for base").waitFor();
  await job(page, "leaf").getByText("Waits for middle").waitFor();
  const left = async (name: string) =>
    (await job(page, name).getByText(name, { exact: true }).boundingBox())?.x ?? 0;
  expect(await left("middle")).toBeGreaterThan(await left("base"));
  expect(await left("leaf")).toBeGreaterThan(await left("middle"));
  await server().mosaic("agent", "send", "base", "go");
  await job(page, "base")
    .getByText(/exited with 7/i)
    .waitFor();
  for (const name of ["middle", "leaf"]) await job(page, name).getByText("Failed", { exact: true }).waitFor();
  await job(page, "middle").getByText('It depends on job "base", which ended FAILED').waitFor();
  await job(page, "middle")
    .getByRole("button", { name: /^middle/ })
    .click();
  const tree = detail(page).getByRole("list", { name: "Dependencies" });
  const blamed = tree.getByRole("listitem").filter({ hasText: "base" });
  await blamed.getByText("the reason").waitFor();
  await blamed.getByText("Failed", { exact: true }).waitFor();
  await tree.getByRole("listitem").filter({ hasText: "leaf" }).getByText("Failed", { exact: true }).waitFor();
  // Each of them is a way to it.
  await blamed.getByRole("button").click();
  await detail(page).getByRole("heading", { name: "base", exact: true }).waitFor();
  await detail(page)
    .getByText(/exited with 7/i)
    .first()
    .waitFor();
});

test("a job that waits is cancelled and tried again, and one that failed runs again", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "gate", "read -r x");
  await spawn(server(), "waits", "echo it ra''n", "--depends-on", "gate");
  await choose(page, "Jobs");
  await job(page, "waits").hover();
  await job(page, "waits").getByRole("button", { name: "Cancel waits" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel waits?" });
  await dialog.getByRole("button", { name: "Keep it" }).click();
  expect((await jobNow(server(), "waits")).state).toBe("STATE_QUEUED");
  await job(page, "waits").getByRole("button", { name: "Cancel waits" }).click();
  await dialog.getByLabel("Reason").fill("not today");
  await dialog.getByRole("button", { name: "Cancel the job" }).click();
  await job(page, "waits").getByText("Cancelled").waitFor();
  await job(page, "waits")
    .getByRole("button", { name: /^waits/ })
    .click();
  await detail(page).getByText("not today").first().waitFor();
  await detail(page).getByRole("button", { name: "Retry" }).click();
  await state(page).getByText("Waiting").waitFor();
  await server().mosaic("agent", "send", "gate", "go");
  await state(page).getByText("Succeeded").waitFor();
  await page.keyboard.press("Escape");
  await spawn(
    server(),
    "flaky",
    "test -e /tmp/$MOSAIC_TERMINAL_ID.no; exit 5",
    "--attempts",
    "2",
    "--backoff",
    "1s",
  );
  await job(page, "flaky")
    .getByText(/exited with 5/i)
    .waitFor();
  await job(page, "flaky").getByRole("button", { name: "Retry flaky" }).focus();
  await page.keyboard.press("Enter");
  await job(page, "flaky").getByText("Will retry").waitFor();
  await job(page, "flaky")
    .getByText(/exited with 5/i)
    .waitFor();
});

test("a paused queue says so with its reason everywhere, and starts nothing until it is resumed", async () => {
  const person = await visit();
  const page = await person.signIn();
  const other = await (await visit()).signIn();
  await panel(page).getByRole("button", { name: "Pause the queue" }).click();
  const dialog = page.getByRole("dialog", { name: "Pause the queue?" });
  await dialog.getByLabel("Reason").fill("the disk is full");
  await dialog.getByLabel("Reason").press("Enter");
  await panel(page).getByText("The queue is paused. the disk is full").waitFor();
  await spawn(server(), "later", "true");
  await row(page, "later").getByText("Waits: the queue is paused").waitFor();
  await panel(other).getByText("The queue is paused. the disk is full").waitFor();
  await panel(other).getByRole("button", { name: "Resume", exact: true }).click();
  await row(page, "later").getByText("Succeeded").waitFor();
  await panel(page).getByText("The queue is paused.").waitFor({ state: "detached" });
});

test("what happened is told newest first, with who did it, also what was before", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "told", "echo; exit 2");
  await row(page, "told").getByText("Failed", { exact: true }).waitFor();
  await page.reload();
  await choose(page, "Events");
  const events = panel(page)
    .getByRole("list", { name: "Events" })
    .getByRole("listitem")
    .filter({ hasText: "told" });
  await events.filter({ hasText: "told failed" }).waitFor();
  await events.filter({ hasText: /spawned told/ }).waitFor();
  const texts = await events.allTextContents();
  const place = (words: RegExp) => texts.findIndex((text) => words.test(text));
  expect(place(/told failed/)).toBeLessThan(place(/told starts/));
  expect(place(/told starts/)).toBeLessThan(place(/operator spawned told/));
  // Live, and only what is asked for.
  await spawn(server(), "told-later", "true");
  await panel(page).getByText("told-later succeeded").waitFor();
  await panel(page).getByRole("combobox", { name: "Show" }).click();
  await page.getByRole("option", { name: "Chat" }).click();
  await panel(page).getByText("told-later succeeded").waitFor({ state: "detached" });
  await panel(page).getByRole("combobox", { name: "Show" }).click();
  await page.getByRole("option", { name: "Agents and jobs" }).click();
  await panel(page).getByRole("button", { name: "told-later" }).first().click();
  await detail(page).getByRole("heading", { name: "told-later" }).waitFor();
});
