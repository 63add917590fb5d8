// Signing in: by a link that works once, by a token, and out again. It must not know how the page keeps a token.

import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

test("a link signs in once, and its code is nowhere in the address afterwards", async () => {
  const person = await visit();
  const code = await server().code();
  const page = await person.context.newPage();
  await page.goto(`${server().endpoint}/#sign-in=${code}`);
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  expect(page.url()).not.toContain(code);
  await page.reload();
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  const other = await (await visit()).context.newPage();
  await other.goto(`${server().endpoint}/#sign-in=${code}`);
  await other
    .getByText(/used|expired/i)
    .first()
    .waitFor();
  expect(await other.content()).not.toContain(code);
});

test("a wrong token is refused plainly, a right one signs in", async () => {
  const page = await (await visit()).context.newPage();
  await page.goto(server().endpoint);
  const box = page.getByLabel(/token/i).first();
  await box.fill("mosaic_wrong");
  await box.press("Enter");
  await page.getByRole("alert").first().waitFor();
  await box.fill(server().token());
  await box.press("Enter");
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  expect(await page.content()).not.toContain(server().token());
});
