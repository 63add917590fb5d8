// Tokens in a real browser: an admin makes one, sees its secret once, and revokes it; nobody else is offered any. It must
// not know how the page does it.

import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { panel, row, spawn } from "./support/agents.ts";
import { covered } from "./support/notices.ts";
import { paste, type Role, signInAs, token } from "./support/people.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

async function openTokens(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Mosaic, workspace .*: menu$/ }).click();
  await page.getByRole("menuitem", { name: "Tokens" }).click();
  await page.getByRole("heading", { name: "Tokens", exact: true }).waitFor();
}

async function newToken(page: Page, name: string, role: Role): Promise<Locator> {
  await page.getByRole("button", { name: "New token" }).click();
  const form = page.getByRole("dialog", { name: "New token" });
  await form.getByRole("textbox", { name: "Name" }).fill(name);
  await form.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: role, exact: false }).click();
  return form;
}

function tokenRow(page: Page, name: string): Locator {
  return page.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
}

test("a token is made with plain words, its secret is shown once, and it does what its role says", async () => {
  const page = await (await visit()).signIn();
  await openTokens(page);
  const form = await newToken(page, "", "viewer");
  await form.getByText("Sees everything in this workspace", { exact: false }).waitFor();
  await form.getByRole("button", { name: "Make the token" }).click();
  await form.getByText(/give it a name/i).waitFor();
  await form.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: "Member" }).click();
  // What a token comes to on the server's machine.
  await form.getByText(/run any command on the server's machine|equals that account/).waitFor();
  await form.getByRole("textbox", { name: "Name" }).fill("for the tests");
  await form.getByRole("combobox", { name: "Good for" }).click();
  await page.getByRole("option", { name: "1 hour" }).click();
  await form.getByRole("button", { name: "Make the token" }).click();
  const made = page.getByRole("dialog", { name: "The token is made" });
  await made.getByText("the only time", { exact: false }).waitFor();
  const secret = (await made.locator("[data-secret]").textContent()) ?? "";
  await made.getByRole("button", { name: "Copy" }).click();
  await made.getByText("It is on the clipboard.").waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await made.getByRole("button", { name: "Done" }).click();
  await made.waitFor({ state: "detached" });
  const it = tokenRow(page, "for the tests");
  await it.getByText("Member").waitFor();
  await it.getByText(/in (1 h|59 min|60 min|1 hour|59 minutes)/).waitFor();
  await page.reload();
  await it.waitFor();
  expect(await page.content()).not.toContain(secret);
  // It works, as a member's does: until it is revoked.
  const person = await visit();
  const theirs = await paste(person, secret);
  expect(await panel(theirs).getByRole("button", { name: "Spawn", exact: true }).isEnabled()).toBe(true);
  await it.getByRole("button", { name: "Revoke for the tests" }).click();
  const confirm = page.getByRole("alertdialog", { name: "Revoke “for the tests”?" });
  await confirm.getByRole("button", { name: "Cancel" }).click();
  await it.getByRole("button", { name: "Revoke for the tests" }).click();
  await confirm.getByRole("button", { name: "Revoke", exact: true }).click();
  await it.waitFor({ state: "detached" });
  await theirs.getByLabel(/token/i).first().waitFor();
  await page.getByRole("switch", { name: "Show expired and revoked ones too" }).click();
  await it.getByText("Revoked", { exact: true }).waitFor();
  expect(await it.getByRole("button").count()).toBe(0);
});

test("tokens are read-only, for one terminal, for ever or over, and the list says so", async () => {
  const page = await (await visit()).signIn();
  await token(server(), "short", "member", "--lifetime", "1s");
  await spawn(server(), "theirs", "sleep 600");
  await row(page, "theirs").getByText("Running").waitFor();
  await openTokens(page);
  const form = await newToken(page, "only-looks", "admin");
  await form.getByRole("switch", { name: "Read-only" }).click();
  await form.getByText(/server's machine|equals that account/).waitFor({ state: "detached" });
  await form.getByRole("combobox", { name: "Good for" }).click();
  await page.getByRole("option", { name: "For ever" }).click();
  await form.getByRole("button", { name: "Make the token" }).click();
  await page.getByRole("button", { name: "Done" }).click();
  await tokenRow(page, "only-looks").getByText("Read-only").waitFor();
  await tokenRow(page, "only-looks").getByText("Never").first().waitFor();
  const one = await newToken(page, "one-terminal", "member");
  await one.getByRole("combobox", { name: "What it may see" }).click();
  await page
    .getByRole("option", { name: /^Only terminal/ })
    .first()
    .click();
  await one.getByText(/type into that terminal/).waitFor();
  await one.getByRole("button", { name: "Make the token" }).click();
  await page.getByRole("button", { name: "Done" }).click();
  await tokenRow(page, "one-terminal")
    .getByText(/^Only terminal/)
    .waitFor();
  expect(await tokenRow(page, "short").count()).toBe(0);
  await page.getByRole("switch", { name: "Show expired and revoked ones too" }).click();
  await tokenRow(page, "short").getByText("Expired", { exact: true }).waitFor();
  // Whoever comes back to the page sees how it is now: used, or made elsewhere.
  await token(server(), "made-elsewhere", "viewer");
  await covered(page, true);
  await covered(page, false);
  await tokenRow(page, "made-elsewhere").waitFor();
  await server().mosaic("agent", "kill", "theirs");
});

test("admins are offered tokens; members and viewers are not, and are told whom to ask", async () => {
  for (const role of ["admin", "member", "viewer"] as const) {
    const page = await signInAs(await visit(), role);
    const offered = role === "admin" ? 1 : 0;
    await panel(page).getByRole("button", { name: "Spawn", exact: true }).waitFor();
    await page.getByRole("button", { name: /^Search or run a command/ }).click();
    const palette = page.getByRole("dialog", { name: "Command palette" });
    await palette.getByRole("combobox").fill("usage");
    await palette.getByRole("option", { name: /^Usage/ }).waitFor();
    await palette.getByRole("combobox").fill("tokens");
    const none = palette.getByText("Nothing fits.");
    await none.or(palette.getByRole("option")).first().waitFor();
    expect(await palette.getByRole("option", { name: /^Tokens/ }).count(), role).toBe(offered);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await palette.waitFor({ state: "detached" });
    await page.getByRole("button", { name: /^Mosaic, workspace .*: menu$/ }).click();
    await page.getByRole("menuitem", { name: "Usage" }).waitFor();
    expect(await page.getByRole("menuitem", { name: "Tokens" }).count(), role).toBe(offered);
    await page.goto(`${server().endpoint}/#tokens`);
    const allowed = page.getByRole("button", { name: "New token" });
    await (offered ? allowed : page.getByText("Tokens are for admins")).waitFor();
    expect(await allowed.count(), role).toBe(offered);
  }
});

test("whoever revokes their own token is asked, and signed out", async () => {
  const secret = await token(server(), "my own", "admin");
  const page = await paste(await visit(), secret);
  await page.goto(`${server().endpoint}/#tokens`);
  const it = tokenRow(page, "my own");
  await it.getByText("This session").waitFor();
  await it.getByRole("button", { name: "Revoke my own" }).click();
  await page.getByText(/you will be signed out at once/).waitFor();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByLabel(/token/i).first().waitFor();
});
