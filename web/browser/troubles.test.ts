// What goes wrong in a chat, in a real browser: each says what to do, nothing that was typed is lost, and it can be
// tried again. It must not know how the page does it.

import { expect, onTestFailed, onTestFinished, test } from "vitest";
import { answer, ask, box, chooseModel, conversation, finished, said, say } from "./support/chat.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

test("a provider that is down is named, and asked again once it is back", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Before", "fake/quick");
  await finished(page);
  await server().wire.pull();
  onTestFinished(() => server().wire.plugIn());
  await say(page, "Is anybody there?");
  await answer(page)
    .getByText(/could not be reached; it is asked again in/)
    .waitFor();
  await finished(page);
  const note = answer(page).getByRole("note");
  await note.getByText(/^No model answered: .*Try again, or choose another model\./).waitFor();
  await answer(page)
    .getByRole("button", { name: /^Details of this answer/ })
    .hover();
  await page
    .getByRole("list", { name: "Attempts" })
    .getByText(/could not be reached/)
    .first()
    .waitFor();
  await page.mouse.move(5, 5);
  await server().wire.plugIn();
  await note.getByRole("button", { name: "Try again" }).click();
  await answer(page).getByText("A short answer that comes at once.").waitFor();
  await finished(page);
  await page.getByRole("group", { name: "Versions" }).getByText("2/2").waitFor();
});

test("a model that is gone and a used budget are refused with the text kept, and sent once when it is mended", async () => {
  const page = await (await visit()).signIn();
  const refused = page.getByRole("main").getByRole("alert");
  onTestFailed(async () => {
    await server().stopServing();
    await server().again();
  });
  const settings = "\n[model.passing]\ncandidates = ['fake/quick']\n";
  await server().stopServing();
  await server().again(settings);
  await ask(page, "Before", "passing");
  await finished(page);
  const id = await conversation(page);

  // The model that the conversation has is not there any more.
  await server().stopServing();
  await server().again();
  await say(page, "After");
  await refused.getByText(/passing.*Choose another model below\./).waitFor();
  expect(await box(page).inputValue()).toBe("After");
  await chooseModel(page, "fake/quick");
  await page.getByRole("button", { name: "Model: fake/quick" }).waitFor();

  // Nor are there tokens.
  await server().stopServing();
  await server().again("\n[chat]\ndaily_budget_tokens = 10\n");
  await refused.getByRole("button", { name: "Try again" }).click();
  await refused.getByText("TOKEN_BUDGET").waitFor();
  await refused
    .getByText(/budget/i)
    .first()
    .waitFor();
  expect(await box(page).inputValue()).toBe("After");
  await page.reload();
  await expect.poll(() => box(page).inputValue()).toBe("After");

  await server().stopServing();
  await server().again();
  await box(page).press("Enter");
  await said(page).getByText("After").waitFor();
  await finished(page);
  await answer(page).getByText("A short answer that comes at once.").waitFor();
  const shown = await server().mosaic("conversation", "show", id);
  expect(shown.match(/\bAfter\b/g)?.length).toBe(1);
});

test("what is said while the server is away waits, and is sent once when it is back", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Before", "fake/quick");
  await finished(page);
  const id = await conversation(page);
  await server().kill9();
  await say(page, "Meanwhile");
  await page.getByText("Waiting for the connection. It is sent by itself, and only once.").waitFor();
  await server().again();
  await finished(page);
  await said(page).getByText("Meanwhile").waitFor();
  await answer(page).getByText("A short answer that comes at once.").waitFor();
  const shown = await server().mosaic("conversation", "show", id);
  expect(shown.match(/\bMeanwhile\b/g)?.length).toBe(1);
});

test("an answer that was cut off or refused says so, and what to do", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Go on and on", "fake/breathless");
  await finished(page);
  await answer(page).getByText("It goes on and on until").waitFor();
  await answer(page)
    .getByText(/^Cut off: the answer reached its limit of tokens\. Raise “Longest answer”/)
    .waitFor();
  await ask(page, "Say something rude", "fake/prim");
  await finished(page);
  await answer(page)
    .getByText(/^The model refused to answer\./)
    .waitFor();
});

test("a message that is too long is not sent, not lost, and can be made shorter", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Before", "fake/quick");
  await finished(page);
  const text = "far too many words ".repeat(70_000);
  await box(page).fill(text);
  await box(page).press("Enter");
  const refused = page.getByRole("main").getByRole("alert");
  await refused
    .getByText("This message has 1.3 MiB; one may have 1.0 MiB. Shorten it, or send it in parts.")
    .waitFor();
  expect(await refused.getByRole("button", { name: "Try again" }).count()).toBe(0);
  expect((await box(page).inputValue()).length).toBe(text.length);
  await box(page).fill("Few words");
  await box(page).press("Enter");
  await said(page).getByText("Few words").waitFor();
  await finished(page);
  expect(await refused.count()).toBe(0);
});
