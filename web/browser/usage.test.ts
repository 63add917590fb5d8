// Usage in a real browser: what the page counts is what the server counts, by day and model, with today's budget. It
// must not know how the page draws it.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answer, ask, finished } from "./support/chat.ts";
import { signInAs } from "./support/people.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

interface Counts {
  day: string;
  model: string;
  input: number;
  output: number;
  thinking: number;
  attempts: number;
}

interface Usage {
  usage: Counts[];
  used: number;
  budget: number;
}

/** What GetUsage says. */
async function counted(): Promise<Usage> {
  const answer: unknown = JSON.parse(await server().mosaic("usage", "--json"));
  const of = (from: unknown, name: string): unknown =>
    typeof from === "object" && from !== null ? Reflect.get(from, name) : undefined;
  const number = (from: unknown, name: string) => Number(of(from, name) ?? 0);
  const rows = of(answer, "usage");
  return {
    usage: (Array.isArray(rows) ? rows : []).map((row: unknown) => ({
      day: String(of(row, "day")),
      model: String(of(row, "model")),
      input: number(row, "input"),
      output: number(row, "output"),
      thinking: number(row, "thinking"),
      attempts: number(row, "attempts"),
    })),
    used: number(answer, "usedTodayTokens"),
    budget: number(answer, "dailyBudgetTokens"),
  };
}

const whole = (count: number) => count.toLocaleString("en-US");

async function openUsage(page: Page): Promise<void> {
  await page.goto(`${server().endpoint}/#usage`);
  await page.getByRole("heading", { name: "Usage", exact: true }).waitFor();
}

/** The cells of a model's row. */
function cells(page: Page, model: string): Promise<string[]> {
  const table = page.getByRole("region", { name: "Tokens by model" });
  return table.getByRole("row").filter({ hasText: model }).getByRole("cell").allTextContents();
}

test("numbers and chart are those of the server, by model and day, and grow with each answer", async () => {
  const page = await (await visit()).signIn();
  await openUsage(page);
  await page.getByText("No tokens yet").waitFor();
  const other = await (await visit()).signIn();
  for (const model of ["fake/quick", "fake/thinking"]) {
    await ask(other, "Say it", model);
    await answer(other).waitFor();
    await finished(other);
  }
  // It counts by itself.
  await page.getByRole("region", { name: "Tokens by model" }).getByText("fake/thinking").waitFor();
  await expect.poll(async () => (await counted()).usage.length).toBeGreaterThanOrEqual(2);
  await page.getByRole("button", { name: "Load the numbers again" }).click();
  const { usage, used, budget } = await counted();
  for (const { model, input, output, thinking, attempts } of usage) {
    await expect.poll(async () => (await cells(page, model))[0]).toBe(whole(input));
    const row = await cells(page, model);
    expect([row[2], row[3], row[4]?.split(" ")[0]]).toEqual([
      whole(output),
      whole(thinking),
      whole(attempts),
    ]);
  }
  const today = page.getByRole("region", { name: "Today's budget" });
  await today.getByText(`${whole(used)} tokens used`).waitFor();
  await today.getByText(`of ${whole(budget)}`).waitFor();
  // A bar for each model, today; the same by day in a table.
  const bars = page
    .getByRole("region", { name: "Tokens by day and model" })
    .locator(".recharts-bar-rectangle path");
  await bars.first().waitFor({ state: "attached" });
  expect(await bars.count()).toBe(new Set(usage.map(({ model }) => model)).size);
  await page.getByText("Numbers by day").click();
  const sum = usage.reduce((all, { input, output }) => all + input + output, 0);
  const day = page.getByRole("region", { name: "Tokens by day", exact: true }).getByRole("row").nth(1);
  expect((await day.getByRole("cell").allTextContents()).at(-1)).toBe(whole(sum));
});

test("the bars say what they are under the pointer, and only input or output can be looked at", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Say it", "fake/quick");
  await answer(page).waitFor();
  await finished(page);
  await openUsage(page);
  const chart = page.getByRole("region", { name: "Tokens by day and model" });
  const bar = chart.locator(".recharts-bar-rectangle path").first();
  await bar.waitFor({ state: "attached" });
  await bar.hover({ force: true });
  await chart.getByText("fake/quick").waitFor();
  await page.getByRole("combobox", { name: "Tokens" }).click();
  await page.getByRole("option", { name: "Output" }).click();
  await page.getByRole("combobox", { name: "Days" }).click();
  await page.getByRole("option", { name: "7 days" }).click();
  await page.getByText("Numbers by day").click();
  const output = (await counted()).usage.reduce((all, each) => all + each.output, 0);
  const day = page.getByRole("region", { name: "Tokens by day", exact: true }).getByRole("row").nth(1);
  await expect.poll(async () => (await day.getByRole("cell").allTextContents()).at(-1)).toBe(whole(output));
});

test("a viewer sees the usage, too", async () => {
  const page = await signInAs(await visit(), "viewer");
  await openUsage(page);
  await page.getByRole("region", { name: "Today's budget" }).waitFor();
});
