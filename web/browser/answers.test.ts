// Answers in a real browser, from their first word to their other versions. It must not know how the page draws them.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answer, ask, box, conversation, finished, numbers, said, say } from "./support/chat.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

/** Whether a cursor is drawn behind the last letter of the newest answer. */
function cursor(page: Page): Promise<boolean> {
  return answer(page).evaluate((article) =>
    [...article.querySelectorAll("p, li, code")].some((each) => {
      const { content, backgroundColor } = getComputedStyle(each, "::after");
      return content !== "none" && content !== "normal" && backgroundColor !== "rgba(0, 0, 0, 0)";
    }),
  );
}

function versions(page: Page, count: string) {
  return page.getByRole("group", { name: "Versions" }).getByText(count);
}

async function edit(page: Page, text: string): Promise<void> {
  await said(page).hover();
  await said(page).getByRole("button", { name: "Edit message" }).click();
  const field = page.getByRole("textbox", { name: "Edit message" });
  await field.fill(text);
  await field.press("Enter");
}

test("tokens are shown as they come, with a cursor behind them until the end", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Count", "fake/numbers");
  const seen: number[] = [];
  for (const last of [3, 20, 40]) {
    await answer(page).getByText(`n${last}`, { exact: false }).waitFor();
    expect(await cursor(page)).toBe(true);
    seen.push((await numbers(page)).length);
  }
  // Not in three lumps: each look found a few more.
  const [first = 0, second = 0, third = 0] = seen;
  expect(second).toBeGreaterThan(first);
  expect(third).toBeGreaterThan(second);
  expect(third).toBeLessThan(200);
  await box(page).press("Escape");
  await finished(page);
  await answer(page)
    .getByText(/^Stopped/)
    .waitFor();
  expect(await cursor(page)).toBe(false);
});

test("what a model thinks is folded, while it thinks and after", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Think of it", "fake/thinking");
  const fold = answer(page).getByRole("button", { name: /^(Thinking|Thought)/ });
  await answer(page).getByRole("button", { name: "Thinking…", expanded: false }).waitFor();
  await finished(page);
  await answer(page).getByText("Done.").waitFor();
  const thought = answer(page).getByText("First I look at it.");
  expect(await thought.count()).toBe(0);
  expect(await fold.textContent()).toMatch(/^Thought for /);
  await fold.press("Enter");
  await thought.waitFor();
  await answer(page).getByText("Then I weigh it.").waitFor();
  await fold.click();
  await thought.waitFor({ state: "detached" });
  await page.reload();
  await answer(page).getByText("Done.").waitFor();
  await answer(page)
    .getByRole("button", { name: /^Thought/, expanded: false })
    .waitFor();
});

test("an edited message is another version, with an answer of its own", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "What is a heron?", "fake/quick");
  await finished(page);
  const id = await conversation(page);
  await say(page, "And what does it eat?");
  await finished(page);
  expect(await page.getByRole("article").count()).toBe(4);

  // The first message, by the mouse; nothing is sent by Escape.
  const first = page.getByRole("article", { name: "You" }).first();
  await first.hover();
  await first.getByRole("button", { name: "Edit message" }).click();
  const field = page.getByRole("textbox", { name: "Edit message" });
  expect(await field.inputValue()).toBe("What is a heron?");
  await field.fill("Never sent");
  await field.press("Escape");
  await first.getByText("What is a heron?").waitFor();
  await first.hover();
  await first.getByRole("button", { name: "Edit message" }).click();
  await field.fill("What is a bittern?");
  await field.press("Enter");
  await versions(page, "2/2").waitFor();
  await finished(page);
  expect(await page.getByRole("article").count()).toBe(2);
  // The model is not told what the other version had.
  expect(server().wire.question("What is a bittern?")?.messages.length).toBe(1);

  // Stepping back brings the whole branch, for everybody and over a reload.
  await page.getByRole("button", { name: "Previous version" }).click();
  await versions(page, "1/2").waitFor();
  await page.getByText("And what does it eat?").waitFor();
  expect(await page.getByRole("article").count()).toBe(4);
  await expect.poll(() => server().mosaic("conversation", "show", id)).toContain("And what does it eat?");
  await page.reload();
  await page.getByText("And what does it eat?").waitFor();
  await versions(page, "1/2").waitFor();
  await page.getByRole("button", { name: "Next version" }).press("Enter");
  await page.getByText("What is a bittern?").waitFor();
  expect(await page.getByRole("article").count()).toBe(2);
  expect(await page.getByRole("button", { name: "Next version" }).isDisabled()).toBe(true);

  // The newest message, by the keyboard.
  await box(page).press("ArrowUp");
  await expect.poll(() => field.inputValue()).toBe("What is a bittern?");
  await field.fill("What is an egret?");
  await field.press("Enter");
  await versions(page, "3/3").waitFor();
  await finished(page);
});

test("another model can answer the same, and versions stand inside versions", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Who is best?", "fake/quick");
  await finished(page);
  await answer(page).hover();
  await answer(page).getByRole("button", { name: "Regenerate with another model" }).click();
  await page.getByRole("menuitem", { name: "fake/counted" }).click();
  await versions(page, "2/2").waitFor();
  await answer(page).getByText("Every token was counted.").waitFor();
  await finished(page);
  await edit(page, "Who is worst?");
  await said(page).getByText("Who is worst?").waitFor();
  await finished(page);
  await answer(page).getByText("A short answer that comes at once.").waitFor();
  await page.getByRole("button", { name: "Previous version" }).click();
  await answer(page).getByText("Every token was counted.").waitFor();
  expect(await versions(page, "2/2").count()).toBe(1);
  expect(await versions(page, "1/2").count()).toBe(1);
});

test("attempts, the fallback and the tokens show on hover and on focus", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Be careful", "careful");
  await finished(page);
  await answer(page)
    .getByText(/^fake\/busy is overloaded; fake\/markdown answered/)
    .waitFor();
  const details = answer(page).getByRole("button", { name: /^Details of this answer/ });
  const popup = page.getByRole("dialog", { name: "Details of this answer" });
  await details.hover();
  const attempts = popup.getByRole("list", { name: "Attempts" }).getByRole("listitem");
  await attempts.first().waitFor();
  const words = await attempts.allInnerTexts();
  expect(words.length).toBeGreaterThan(1);
  expect(words[0]).toMatch(/fake\/busy[\s\S]*is overloaded \(HTTP 529\): Overloaded/);
  expect(words.at(-1)).toMatch(/fake\/markdown[\s\S]*first text after/);
  await popup.getByText("careful").waitFor();
  await page.mouse.move(5, 5);
  await popup.waitFor({ state: "detached" });

  await ask(page, "Count them", "fake/counted");
  await finished(page);
  await answer(page).getByRole("button", { name: "Copy answer" }).focus();
  while (!(await details.evaluate((each) => each === document.activeElement)))
    await page.keyboard.press("Tab");
  const terms = popup.getByRole("term");
  await terms.first().waitFor();
  const values = await popup.getByRole("definition").allInnerTexts();
  const names = await terms.allInnerTexts();
  expect(Object.fromEntries(names.map((name, at) => [name, values[at]]))).toMatchObject({
    "Answered by": "fake/counted",
    Input: "1,200",
    "of it cached": "1,000",
    Output: "340",
    "of it thinking": "200",
  });
  await page.keyboard.press("Escape");
  await popup.waitFor({ state: "detached" });
});
