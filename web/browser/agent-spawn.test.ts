// The form for a new agent in a real browser: every field does what it says, what is wrong stands at its field, and
// nothing that was typed is lost. It must not know how the page does it.

import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { detail, jobNow, look, panel, printed, row, spawn, spawnForm } from "./support/agents.ts";
import { messages } from "./support/notices.ts";
import { repository } from "./support/repository.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

test("each field of the form reaches the job", async () => {
  const page = await (await visit()).signIn();
  const work = repository("work");
  await spawn(server(), "before", "sleep 600");
  await row(page, "before").waitFor();
  const form = await spawnForm(page);
  await form
    .getByRole("textbox", { name: "Command line" })
    .fill("pwd; git branch --show-current; echo $COLOUR");
  await form.getByRole("textbox", { name: "Name", exact: true }).fill("whole");
  await form.getByRole("textbox", { name: "Repository" }).fill(work);
  await form.getByRole("textbox", { name: "Begins at" }).fill("main");
  await form.getByRole("combobox", { name: "Starts after" }).fill("bef");
  await page.getByRole("option", { name: /before/ }).click();
  // Escape is for the list, and takes back nothing.
  if (await page.getByRole("listbox").isVisible()) await page.keyboard.press("Escape");
  await form.getByText("before", { exact: true }).waitFor();
  await form.getByRole("button", { name: /^More/ }).click();
  await form.getByRole("button", { name: "Add a variable" }).click();
  await form.getByRole("textbox", { name: "Name of variable 1" }).fill("COLOUR");
  await form.getByRole("textbox", { name: "Value of variable 1" }).fill("green as grass");
  for (const [field, text] of Object.entries({
    Priority: "8",
    Attempts: "3",
    "Back-off": "1s",
    "Time limit": "10m",
    "Silence limit": "5m",
    "Waiting limit": "1h",
  }))
    await form.getByRole("textbox", { name: field }).fill(text);
  await form.getByRole("switch", { name: "Run again when lost" }).click();
  await form.getByRole("button", { name: "Add a label" }).click();
  await form.getByRole("textbox", { name: "Name of label 1" }).fill("ticket");
  await form.getByRole("textbox", { name: "Value of label 1" }).fill("4711");
  await page.keyboard.press("Control+Enter");
  await form.waitFor({ state: "detached" });
  await row(page, "whole").getByText("Waits for before").waitFor();
  const answer = JSON.stringify(await jobNow(server(), "whole"));
  for (const part of [
    '"priority":8',
    '"attemptsMax":3',
    '"timeout":"600s"',
    '"outputTimeout":"300s"',
    '"queuedTimeout":"3600s"',
    '"rerunWhenLost":true',
    '"labels":{"ticket":"4711"}',
    JSON.stringify(work),
    '"base":"main"',
  ])
    expect(answer).toContain(part);
  await look(page, "whole");
  for (const fact of ["8 of 10", "10 min", "5 min", "1 h", "ticket=4711"])
    await detail(page).getByText(fact, { exact: true }).waitFor();
  await server().mosaic("agent", "kill", "before");
  rmSync(dirname(work), { recursive: true, force: true });
});

test("an agent gets its directory, its worktree and its environment", async () => {
  const page = await (await visit()).signIn();
  const work = repository("tree");
  const form = await spawnForm(page);
  await form
    .getByRole("textbox", { name: "Command line" })
    .fill('echo "$COLOUR, $(git branch --show-current)"; pwd');
  await form.getByRole("textbox", { name: "Name", exact: true }).fill("placed");
  await form.getByRole("textbox", { name: "Repository" }).fill(work);
  await form.getByRole("button", { name: /^More/ }).click();
  await form.getByRole("button", { name: "Add a variable" }).click();
  await form.getByRole("textbox", { name: "Name of variable 1" }).fill("COLOUR");
  await form.getByRole("textbox", { name: "Value of variable 1" }).fill("green");
  await form.getByRole("button", { name: "Spawn", exact: true }).click();
  await row(page, "placed").getByText("Succeeded").waitFor();
  expect(await printed(server(), "placed")).toContain("green, mosaic-agent/placed");
  rmSync(dirname(work), { recursive: true, force: true });
  // The next form begins where this one was.
  const next = await spawnForm(page);
  expect(await next.getByRole("textbox", { name: "Command line" }).inputValue()).toBe("");
  await next.getByRole("textbox", { name: "Command line" }).fill("pwd");
  await next.getByRole("textbox", { name: "Directory" }).fill("/usr");
  await next.getByRole("textbox", { name: "Name", exact: true }).fill("in-usr");
  await next.getByRole("button", { name: "Spawn", exact: true }).click();
  await row(page, "in-usr").getByText("Succeeded").waitFor();
  expect((await printed(server(), "in-usr")).trim()).toBe("/usr");
});

test("a job to start after is the first match, and what is no job is an error where it stands", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "build", "sleep 600");
  await spawn(server(), "rebuild", "sleep 600");
  await spawn(server(), "build-live", "sleep 600");
  await spawn(server(), "build-over", "true");
  await row(page, "build-over").getByText("Succeeded").waitFor();
  const form = await spawnForm(page);
  const send = form.getByRole("button", { name: "Spawn", exact: true });
  await form.getByRole("textbox", { name: "Command line" }).fill("true");
  await form.getByRole("textbox", { name: "Name", exact: true }).fill("behind");
  const field = form.getByRole("combobox", { name: "Starts after" });
  await field.click();
  await page.keyboard.type("build");
  const options = page.getByRole("option");
  await expect
    .poll(async () =>
      (await options.allTextContents()).map((text) => text.match(/^(re)?build(-[a-z]{4})?/)?.[0]),
    )
    .toEqual(["build", "build-live", "build-over", "rebuild"]);
  // The list hides nothing of the dialog from who cannot see it.
  expect(await send.count()).toBe(1);
  await page.keyboard.press("Enter");
  await form.getByRole("button", { name: "Not after build", exact: true }).waitFor();
  expect(await field.inputValue()).toBe("");
  // A whole name is that job; what is none stays, and says so.
  await page.keyboard.type("Rebuild");
  await page.keyboard.press("Tab");
  await form.getByRole("button", { name: "Not after rebuild" }).waitFor();
  await field.click();
  await page.keyboard.type("nonsense");
  const wrong = form.getByText("There is no job “nonsense”. Choose one from the list, or clear the field.");
  await page.keyboard.press("Control+Enter");
  await wrong.waitFor();
  await page.keyboard.type("!");
  await wrong.waitFor({ state: "detached" });
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Tab");
  await wrong.waitFor();
  expect(await field.inputValue()).toBe("nonsense");
  await send.click();
  await wrong.waitFor();
  expect(await server().mosaic("job", "ls", "--json")).not.toContain('"behind"');
  await field.fill("");
  await wrong.waitFor({ state: "detached" });
  await send.click();
  await form.waitFor({ state: "detached" });
  await row(page, "behind").getByText("Waits for build, rebuild").waitFor();
  // Whoever spawned it need not be told.
  expect(
    await messages(page)
      .getByText(/behind/)
      .count(),
  ).toBe(0);
  for (const name of ["build", "rebuild", "build-live"]) await server().mosaic("agent", "kill", name);
});

test("what the server refuses stands at its field, and nothing typed is lost", async () => {
  const page = await (await visit()).signIn();
  await spawn(server(), "taken", "sleep 600");
  const form = await spawnForm(page);
  const send = form.getByRole("button", { name: "Spawn", exact: true });
  const field = (name: string) => form.getByRole("textbox", { name, exact: true });
  /** Sends; the field is wrong then, and says why. Mends it. */
  const refused = async (name: string, why: RegExp, mended: string) => {
    await send.click();
    await form.getByText(why).waitFor();
    expect(await field(name).getAttribute("aria-invalid"), name).toBe("true");
    await field(name).fill(mended);
    await form.getByText(why).waitFor({ state: "detached" });
    // What is mended stays in sight.
    expect(await field(name).isVisible(), name).toBe(true);
  };
  await refused("Command line", /say what to do/i, "echo all of it");
  await field("Name").fill("taken");
  await field("Directory").fill("/no/such/place");
  await refused("Directory", /does not exist/, "/tmp");
  await refused("Name", /taken/, "free");
  await field("Repository").fill("/tmp");
  await field("Directory").fill("../..");
  await refused("Directory", /leaves the worktree/i, "");
  await field("Begins at").fill("no-such-branch");
  await refused("Repository", /git repository|absolute/, "");
  await refused("Begins at", /repository/, "");
  await form.getByRole("button", { name: /^More/ }).click();
  await field("Attempts").fill("21");
  // Folded away it is found all the same.
  await form.getByRole("button", { name: /^More/ }).click();
  await refused("Attempts", /from 1 to 20/, "2");
  await field("Time limit").fill("a while");
  await refused("Time limit", /30s, 5m or 2h/, "40d");
  await refused("Time limit", /31 days/, "1m");
  await field("Token budget").fill("5");
  await refused("Token budget", /counts no tokens/, "");
  await form.getByRole("button", { name: "Add a variable" }).click();
  await field("Name of variable 1").fill("MOSAIC_TOKEN");
  await send.click();
  await form.getByText(/MOSAIC_… is the server's to set/).waitFor();
  await field("Name of variable 1").fill("FINE");
  // An Escape on the way loses nothing either.
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });
  await spawnForm(page);
  expect(await field("Command line").inputValue()).toBe("echo all of it");
  await send.click();
  await row(page, "free").getByText("Succeeded").waitFor();
  expect(JSON.stringify(await jobNow(server(), "free"))).toContain('"attemptsMax":2');
  await server().mosaic("agent", "kill", "taken");
});

test("the form is that of the profile, and is sent once though the server was away", async () => {
  const page = await (await visit()).signIn();
  const form = await spawnForm(page);
  await form.getByRole("combobox", { name: "Profile" }).click();
  await page.getByRole("option", { name: /asks/ }).click();
  await form.getByText("Asks before it goes on.").waitFor();
  await form.getByRole("textbox", { name: "Prompt" }).fill("the big question");
  await form.getByRole("textbox", { name: "Name", exact: true }).fill("only-once");
  await server().kill9();
  await form.getByRole("button", { name: "Spawn", exact: true }).click();
  await form.getByRole("alert").waitFor();
  await server().again();
  await form.getByRole("button", { name: "Try again" }).click();
  await row(page, "only-once").getByText("Needs input").waitFor();
  expect(await row(page, "only-once").count()).toBe(1);
  expect(await printed(server(), "only-once")).toContain("working on: the big question");
  await server().mosaic("agent", "kill", "only-once");
  await panel(page).waitFor();
});
