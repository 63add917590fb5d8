// Agents in a real browser: the list with its states, filters and times, what a viewer may do, and the end of all. It
// must not know how the page does it.

import { expect, test } from "vitest";
import { detail, look, panel, row, spawn } from "./support/agents.ts";
import { answer, ask, say } from "./support/chat.ts";
import { signInAs } from "./support/people.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

test("what a command spawned is a live card", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "/spawn shell sleep 0.5; echo the last l''ine; exit 3");
  await answer(page)
    .getByText(/exited with 3/i)
    .waitFor();
  await answer(page).getByText("the last line", { exact: true }).waitFor();
  await ask(page, "/spawn --name heard shell sleep 600");
  await answer(page)
    .getByText(/running/i)
    .first()
    .waitFor();
  const heard = page.getByRole("status", { name: "The newest of the answer" });
  await heard.getByText("heard runs.", { exact: true }).waitFor();
  await answer(page).getByRole("button", { name: /kill/i }).first().click();
  await page
    .getByRole("alertdialog")
    .or(page.getByRole("dialog"))
    .getByRole("button", { name: /kill/i })
    .click();
  // The receipt first.
  await page.getByText("Proven: nothing of it is left.").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await answer(page).getByText("Cancelled").waitFor();
});

test("an agent that asks shows that it needs input", async () => {
  const page = await (await visit()).signIn();
  await say(page, "/spawn asks the question");
  const panel = page.getByRole("complementary", { name: /agents/i });
  await panel
    .getByText(/needs input/i)
    .first()
    .waitFor();
});

test("what another client spawns appears by itself, with its state, its last line and the time that goes on", async () => {
  const page = await (await visit()).signIn();
  await panel(page).getByRole("button", { name: "Spawn", exact: true }).waitFor();
  await spawn(server(), "from-afar", "echo the li''ne of it; sleep 600");
  const it = row(page, "from-afar");
  await it.getByText("Running").waitFor();
  await it.getByText("the line of it").waitFor();
  await it.getByText("3 s", { exact: true }).waitFor();
  await it.getByText("4 s", { exact: true }).waitFor();
  await server().mosaic("agent", "kill", "from-afar");
  await it.getByText("Cancelled").waitFor();
});

test("filters keep what is of a state, and what has the words", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "good-one", "true");
  await spawn(server(), "bad-one", "exit 4");
  await spawn(server(), "slow-one", "sleep 600", "--timeout", "1s");
  await spawn(server(), "long-one", "sleep 600", "--label", "ticket=4711");
  await row(page, "good-one").getByText("Succeeded").waitFor();
  await row(page, "bad-one").getByText("Failed").waitFor();
  await row(page, "bad-one")
    .getByText(/exited with 4/i)
    .waitFor();
  await row(page, "slow-one").getByText("Timed out").waitFor();
  const states = panel(page).getByRole("group", { name: "State" });
  await states.getByRole("button", { name: /^Failed/ }).click();
  await row(page, "good-one").waitFor({ state: "detached" });
  await row(page, "bad-one").waitFor();
  await states.getByRole("button", { name: /^Running/ }).click();
  await row(page, "bad-one").waitFor({ state: "detached" });
  await row(page, "long-one").waitFor();
  await states.getByRole("button", { name: /^All/ }).click();
  const words = panel(page).getByRole("textbox", { name: "Filter agents" });
  await words.fill("ticket=4711");
  await row(page, "bad-one").waitFor({ state: "detached" });
  await row(page, "long-one").waitFor();
  await words.fill("no such thing");
  await panel(page).getByText("None matches").waitFor();
  await words.press("Escape");
  await row(page, "bad-one").waitFor();
});

test("the list is walked, opened and left with the keys", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "key-one", "sleep 600");
  await spawn(server(), "key-two", "sleep 600");
  await row(page, "key-two").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await detail(page).getByRole("heading", { name: "key-one" }).waitFor();
  await page.keyboard.press("Escape");
  await detail(page).waitFor({ state: "detached" });
  await page.keyboard.press("Delete");
  const dialog = page.getByRole("dialog", { name: "Kill key-one?" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  // The focus is where it was.
  await page.keyboard.press("/");
  await page.keyboard.type("key-two");
  await row(page, "key-one").waitFor({ state: "detached" });
  await row(page, "key-two").waitFor();
});

test("a viewer sees everything and is told why nothing can be changed", async () => {
  const page = await signInAs(await visit(), "viewer");
  await spawn(server(), "seen", "echo for every''body; sleep 600");
  await row(page, "seen").getByText("for everybody").waitFor();
  await panel(page).getByText("You are a viewer", { exact: false }).first().waitFor();
  for (const name of ["Spawn", "Pause the queue"])
    expect(await panel(page).getByRole("button", { name, exact: true }).isDisabled(), name).toBe(true);
  const all = panel(page).getByRole("button", { name: "Kill all agents (needs an admin's token)" });
  await all.click({ force: true });
  await row(page, "seen").focus();
  await page.keyboard.press("Delete");
  expect(await page.getByRole("dialog").count()).toBe(0);
  await look(page, "seen", "Log");
  await detail(page).getByText("for everybody").waitFor();
  expect(await detail(page).getByRole("button", { name: "Kill", exact: true }).isDisabled()).toBe(true);
  expect(await detail(page).getByRole("textbox").count()).toBe(0);
});

test("kill all wants the words typed", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "one-of-all", "sleep 601");
  await spawn(server(), "two-of-all", "sleep 601");
  await row(page, "one-of-all").getByText("Running").waitFor();
  await row(page, "two-of-all").getByText("Running").waitFor();
  await panel(page)
    .getByRole("button", { name: /kill all/i })
    .first()
    .click();
  const dialog = page.getByRole("dialog", { name: "Kill all agents?" });
  const confirm = dialog.getByRole("button", { name: "Kill all", exact: true });
  expect(await confirm.isDisabled()).toBe(true);
  const words = dialog.getByLabel(/^Type/);
  await words.fill("kill al");
  await words.press("Enter");
  expect(await confirm.isDisabled()).toBe(true);
  await dialog.getByLabel("Reason").fill("home time");
  await words.fill("kill all");
  await words.press("Enter");
  const done = page.getByRole("dialog", { name: "Everything is ended" });
  await done.getByText("Nothing is known to be left.").waitFor();
  // None of the names looks chosen.
  await done
    .locator(":focus")
    .and(done.getByRole("button", { name: "Done" }))
    .waitFor();
  await done.getByText("one-of-all", { exact: true }).click();
  await done.getByText("“home time”").filter({ visible: true }).waitFor();
  await done.getByRole("button", { name: "Done" }).click();
  await row(page, "one-of-all").getByText("Cancelled").waitFor();
  expect(await server().mosaic("agent", "ls", "--json")).not.toContain("STATE_RUNNING");
});
