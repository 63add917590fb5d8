// People with tokens of their own, and pages on which they are signed in. It must not know what they do there.

import type { Page } from "playwright-core";
import type { Visit } from "./browser.ts";
import type { Server } from "./server.ts";

export type Role = "viewer" | "member" | "admin";

/** A new token's secret. */
export async function token(server: Server, name: string, role: Role, ...more: string[]): Promise<string> {
  return (await server.mosaic("token", "create", name, "--role", role, ...more)).trim();
}

/** A page that somebody signs in on by pasting a token. */
export async function paste(visit: Visit, secret: string): Promise<Page> {
  const page = await visit.context.newPage();
  await page.goto(visit.server.endpoint);
  const box = page.getByLabel(/token/i).first();
  await box.fill(secret);
  await box.press("Enter");
  await page.getByRole("main").waitFor();
  return page;
}

export async function signInAs(visit: Visit, role: Role): Promise<Page> {
  return paste(visit, await token(visit.server, `a ${role}`, role));
}
