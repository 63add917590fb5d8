// The chat in a real browser: sent, streamed, reloaded, stopped, killed. It must not know how the page does it.

import { expect, test } from "vitest";
import { answer, ask, conversation, finished, numbers, say } from "./support/chat.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

/** What the server has of the newest answer. */
async function stored(id: string): Promise<{ state: string; content: string }> {
  const shown = JSON.parse(await server().mosaic("conversation", "show", id, "--output", "json"));
  const text = JSON.stringify(shown);
  const messages = [...text.matchAll(/n\d+ /g)].map(([n]) => n).join("");
  return { state: text.includes("INTERRUPTED") ? "INTERRUPTED" : "COMPLETE", content: messages };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

test("an answer comes as Markdown, and is there after a reload", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Show me what you can", "fake/markdown");
  await answer(page).getByText("A last paragraph that closes the answer.").waitFor();
  await finished(page);
  await answer(page).getByRole("heading", { name: "A heading" }).waitFor();
  expect(await answer(page).getByRole("listitem").count()).toBe(2);
  await answer(page).getByRole("cell", { name: "tokio" }).waitFor();
  await answer(page).getByRole("button", { name: "Copy code" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('println!("forty-two");');
  await page.reload();
  await answer(page).getByText("A last paragraph that closes the answer.").waitFor();
});

test("a reload in mid-answer goes on, without a gap and without a double", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Count", "fake/numbers");
  await answer(page).getByText("n40", { exact: false }).waitFor();
  for (let round = 0; round < 3; round++) {
    await page.reload();
    await answer(page)
      .getByText(`n${60 + 40 * round}`, { exact: false })
      .waitFor();
  }
  await finished(page);
  expect(await numbers(page)).toEqual(upTo(400));
});

test("two tabs show the same answer", async () => {
  const one = await visit();
  const page = await one.signIn();
  await ask(page, "Count", "fake/numbers");
  const id = await conversation(page);
  const other = await one.signIn();
  await other.goto(`${server().endpoint}/#c/${id}`);
  await Promise.all([finished(page), other.getByText("n399", { exact: false }).waitFor()]);
  expect(await numbers(other)).toEqual(upTo(400));
  expect(await numbers(page)).toEqual(upTo(400));
});

test("what was shown of an answer stays when the server is killed, and the page comes back by itself", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Count", "fake/numbers");
  const id = await conversation(page);
  await answer(page).getByText("n50", { exact: false }).waitFor();
  await server().kill9();
  const shown = await numbers(page);
  await server().again();
  await answer(page)
    .getByRole("note")
    .getByText(/interrupted/i)
    .waitFor();
  const after = await numbers(page);
  expect(after).toEqual(upTo(after.length));
  expect(after.length).toBeGreaterThanOrEqual(shown.length);
  expect((await stored(id)).content.trim().split(" ").length).toBe(after.length);
  // And it goes on without a reload.
  await say(page, "Are you there?");
  await finished(page);
});

test("a stop keeps what had come, and another answer is a branch to step through", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Count", "fake/numbers");
  await answer(page).getByText("n10", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Stop" }).first().click();
  await finished(page);
  const kept = await numbers(page);
  expect(kept).toEqual(upTo(kept.length));
  expect(kept.length).toBeLessThan(399);
  await answer(page).hover();
  await answer(page).getByRole("button", { name: "Regenerate", exact: true }).click();
  await page.locator('article[aria-busy="true"]').getByText("n5", { exact: false }).waitFor();
  await page.getByRole("button", { name: "Stop" }).first().click();
  await finished(page);
  await page.getByRole("group", { name: "Versions" }).last().getByText("2/2").waitFor();
  await page.getByRole("button", { name: "Previous version" }).last().click();
  await page.getByRole("group", { name: "Versions" }).last().getByText("1/2").waitFor();
  expect(await numbers(page)).toEqual(kept);
});

test("a model that fails says so, and a list falls back", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Break", "fake/broken");
  await finished(page);
  await answer(page)
    .getByText(/out of memory/)
    .waitFor();
  await ask(page, "Be careful", "careful");
  await finished(page);
  await answer(page).getByText("A last paragraph that closes the answer.").waitFor();
  await answer(page)
    .getByRole("button", { name: /^Details of this answer/ })
    .click();
  await page
    .getByRole("list", { name: "Attempts" })
    .getByText(/fake\/busy/)
    .first()
    .waitFor();
});

test("what a model or a person writes stays text", async () => {
  const page = await (await visit()).signIn();
  const hostile = '<img src=x onerror="window.stolen=1"><script>window.stolen=1</script>';
  await ask(page, hostile, "fake/hostile");
  await finished(page);
  const id = await conversation(page);
  await server().mosaic("conversation", "ls");
  await page.reload();
  await answer(page).waitFor();
  expect(await page.evaluate(() => Reflect.get(window, "stolen"))).toBeUndefined();
  expect(await answer(page).locator("script, svg[onload], img").count()).toBe(0);
  expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
  expect(id).not.toBe("");
});
