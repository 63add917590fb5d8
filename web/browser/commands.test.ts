// Commands in a real browser: what they came to is a card that goes on living. It must not know how the page does it.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answer, ask, box, conversation, finished, say } from "./support/chat.ts";
import { suite } from "./support/suite.ts";
import { readable, shows } from "./support/terminal.ts";

const { server, visit } = suite();

/** The card of a job, wherever in the conversation. */
function card(page: Page, name: string) {
  return page.getByRole("main").getByRole("group", { name: `Job ${name}` });
}

function list(page: Page, name: string) {
  return answer(page).getByRole("group", { name });
}

function kill(page: Page, title: RegExp) {
  return page.getByRole("dialog", { name: title });
}

async function states(name: string): Promise<string> {
  const shown = await server().mosaic("job", "show", name, "--output", "json");
  return shown.match(/STATE_\w+/)?.[0] ?? "";
}

test("a spawned agent's card has its state, its time, its last line, its terminal and its end", async () => {
  const page = await (await visit()).signIn();
  await readable(page);
  await page.reload();
  const script = "for n in 1 2 3; do echo line $n of 3; read -r; done; exit 3";
  await ask(page, `/spawn --name counter shell '${script}'`);
  const it = card(page, "counter");
  await it.getByText("Running").waitFor();
  await it.getByText("line 1 of 3").waitFor();
  await it.getByText("2 s", { exact: true }).waitFor();
  await server().mosaic("agent", "send", "counter", "on");
  await it.getByText("line 2 of 3").waitFor();

  // Its terminal, which one can type into.
  await it.getByRole("button", { name: "Open terminal" }).click();
  await shows(page, "line 2 of 3");
  await page.locator(".xterm-helper-textarea").last().focus();
  await page.keyboard.press("Enter");
  await it.getByText("line 3 of 3").waitFor();
  const id = await conversation(page);
  await server().mosaic("agent", "send", "counter", "on");
  await it.getByText(/exited with 3/i).waitFor();
  await it.getByText("Failed").waitFor();
  // A clock that has stopped.
  const time = await it.getByText(/^\d+(\.\d+)? s$/).textContent();
  await page.goto(`${server().endpoint}/#c/${id}`);
  await page.reload();
  await it.getByText("Failed").waitFor();
  expect(await it.getByText(/^\d+(\.\d+)? s$/).textContent()).toBe(time);
  expect(await it.getByRole("button", { name: /^Kill/ }).count()).toBe(0);
  await it.getByRole("button", { name: "Retry" }).click();
  await it.getByText("Running").waitFor();
  await it.getByRole("button", { name: "Details" }).click();
  await page
    .getByRole("complementary", { name: /agents/i })
    .getByRole("heading", { name: "counter" })
    .waitFor();
});

test("a card's kill asks first, gives the receipt, and every tab sees the end", async () => {
  const person = await visit();
  const page = await person.signIn();
  await ask(page, "/spawn --name victim shell 'echo alive; sleep 600'");
  const other = await person.signIn();
  await other.goto(`${server().endpoint}/#c/${await conversation(page)}`);
  await card(other, "victim").getByText("alive", { exact: true }).waitFor();
  for (const way of ["Cancel", "Escape"]) {
    await card(page, "victim").getByRole("button", { name: "Kill" }).click();
    await kill(page, /^Kill victim/).waitFor();
    if (way === "Escape") await page.keyboard.press("Escape");
    else
      await kill(page, /^Kill victim/)
        .getByRole("button", { name: way, exact: true })
        .click();
    await kill(page, /victim/).waitFor({ state: "detached" });
  }
  expect(await states("victim")).toBe("STATE_RUNNING");
  await card(page, "victim").getByRole("button", { name: "Kill" }).click();
  await kill(page, /^Kill victim/)
    .getByLabel("Reason")
    .fill("enough");
  await kill(page, /^Kill victim/)
    .getByRole("button", { name: "Kill" })
    .click();
  await kill(page, /victim is ended/)
    .getByText("Proven: nothing of it is left.")
    .waitFor();
  await kill(page, /victim is ended/)
    .getByText("“enough”")
    .waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  for (const each of [page, other]) await card(each, "victim").getByText("Cancelled").waitFor();
  expect(await states("victim")).toBe("STATE_CANCELLED");
});

test("/status and /jobs are lists whose lines go on, and lead to what they name", async () => {
  const page = await (await visit()).signIn();
  await server().mosaic("agent", "spawn", "--name", "waiter", "--", "echo ready; read -r; echo so long");
  await ask(page, "/status");
  await list(page, "Status")
    .getByRole("button", { name: /waiter.*Running/ })
    .waitFor();
  await list(page, "Status")
    .getByText(/running/)
    .first()
    .waitFor();
  await say(page, "/jobs");
  await finished(page);
  await list(page, "Jobs")
    .getByRole("button", { name: /waiter.*Running/ })
    .getByText("ready")
    .waitFor();
  await say(page, "/status waiter");
  await card(page, "waiter").getByText("Running").waitFor();
  await server().mosaic("agent", "send", "waiter", "go");
  await card(page, "waiter").getByText("Succeeded").waitFor();
  await card(page, "waiter").getByText("It exited with 0.").waitFor();
  await card(page, "waiter").getByText("so long", { exact: true }).waitFor();
  const jobs = page.getByRole("main").getByRole("group", { name: "Jobs" });
  await jobs.getByRole("button", { name: /waiter.*Succeeded/ }).click();
  await page
    .getByRole("complementary", { name: /agents/i })
    .getByRole("heading", { name: "waiter" })
    .waitFor();
  const status = page.getByRole("main").getByRole("group", { name: "Status" });
  await status.getByRole("button", { name: /waiter.*Exited 0/ }).waitFor();
});

test("/kill is a receipt, and what was typed wrongly says what may have been meant", async () => {
  const page = await (await visit()).signIn();
  await server().mosaic("agent", "spawn", "--name", "doomed", "--", "sleep 600");
  await server().mosaic("agent", "spawn", "--name", "spared", "--", "sleep 600");
  await ask(page, "/kill doomed of no use");
  await list(page, "What was ended").getByText("Proven: nothing of it is left.").waitFor();
  await list(page, "What was ended").getByText("“of no use”").waitFor();
  expect(await states("doomed")).toBe("STATE_CANCELLED");

  const wrong = list(page, "It was not done");
  await say(page, "/statsu");
  await wrong.getByRole("button", { name: "/status" }).click();
  await list(page, "Status").getByText("spared").waitFor();
  await say(page, "/kill nobody");
  await wrong.getByText(/nobody/).waitFor();
  await say(page, "/spawn");
  await wrong.getByText("Say what the agent is to do: /spawn PROFILE PROMPT.", { exact: true }).waitFor();
  expect(await page.getByText("BAD_REQUEST").count()).toBe(0);
  await say(page, "/spawn --timeout soon shell true");
  await wrong
    .getByText(/timeout/i)
    .first()
    .waitFor();

  // A click that ends something asks first.
  await say(page, "/klil spared");
  const sure = page.getByRole("alertdialog");
  await wrong.getByRole("button", { name: "/kill spared" }).click();
  await sure.getByRole("button", { name: "Cancel" }).click();
  await sure.waitFor({ state: "detached" });
  expect(await states("spared")).toBe("STATE_RUNNING");
  await wrong.getByRole("button", { name: "/kill spared" }).click();
  await sure.getByRole("button", { name: "Run it" }).click();
  await list(page, "What was ended").getByText("spared").first().waitFor();
  await say(page, "/help spawn");
  await list(page, "Commands").getByText("--depends-on").waitFor();
  expect(await box(page).inputValue()).toBe("");
});
