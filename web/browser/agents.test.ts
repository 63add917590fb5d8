// Agents in a real browser: spawned in the chat and by the form, watched, answered, killed. It must not know how the
// page does it.

import { expect, test } from "vitest";
import { answer, ask, say } from "./support/chat.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

test("what a command spawned is a live card", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "/spawn shell sleep 0.5; echo the last l''ine; exit 3");
  await answer(page)
    .getByText(/exited with 3/i)
    .waitFor();
  await ask(page, "/spawn shell sleep 600");
  await answer(page)
    .getByText(/running/i)
    .first()
    .waitFor();
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

test("kill all wants the words typed", async () => {
  const page = await (await visit()).signIn();
  await server().mosaic("agent", "spawn", "--", "sleep 601");
  await page
    .getByRole("button", { name: /kill all/i })
    .first()
    .click();
  const dialog = page.getByRole("alertdialog").or(page.getByRole("dialog"));
  const confirm = dialog.getByRole("button", { name: /kill all/i });
  expect(await confirm.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Type/).fill("kill all");
  await confirm.click();
  await expect
    .poll(async () => (await server().mosaic("agent", "ls", "--output", "json")).includes("STATE_RUNNING"))
    .toBe(false);
});
