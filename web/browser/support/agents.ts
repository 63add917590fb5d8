// What a person does among the agents, and what they see of them. It must not know what a test wants of it.

import type { Locator, Page } from "playwright-core";
import type { Server } from "./server.ts";

/** The column at the right, or a phone's view. */
export function panel(page: Page): Locator {
  return page.getByRole("region", { name: "Agents and jobs" });
}

/** One agent or waiting job in the list. */
export function row(page: Page, name: string): Locator {
  return panel(page)
    .getByRole("list", { name: "Agents and waiting jobs" })
    .getByRole("button")
    .filter({ has: page.getByText(name, { exact: true }) });
}

/** One job among the jobs. */
export function job(page: Page, name: string): Locator {
  return panel(page)
    .getByRole("list", { name: "Jobs" })
    .getByRole("listitem")
    .filter({
      has: page.locator("button[data-stop]").filter({ has: page.getByText(name, { exact: true }) }),
    });
}

export async function choose(page: Page, tab: "Agents" | "Jobs" | "Events"): Promise<void> {
  await panel(page).getByRole("tablist", { name: "Agents" }).getByRole("tab", { name: tab }).click();
}

/** What is shown of one agent or job. */
export function detail(page: Page): Locator {
  return panel(page).getByRole("region", { name: "Details" });
}

/** Opens one agent's details, and one of their tabs. */
export async function look(page: Page, name: string, tab?: "Terminal" | "Log"): Promise<void> {
  await row(page, name).click();
  await detail(page).getByRole("heading", { name, exact: true }).waitFor();
  if (tab) await detail(page).getByRole("tab", { name: tab }).click();
}

/** Its state in a word, at the top of its details. */
export function state(page: Page): Locator {
  return detail(page).getByRole("status").first();
}

export async function back(page: Page): Promise<void> {
  await detail(page).getByRole("button", { name: "All agents" }).click();
}

/** The agent's log, as far as it is there. */
export function log(page: Page): Locator {
  return detail(page).getByRole("region", { name: "Log", exact: true });
}

/** The form, open. */
export async function spawnForm(page: Page): Promise<Locator> {
  await panel(page).getByRole("button", { name: "Spawn", exact: true }).click();
  const form = page.getByRole("dialog", { name: "Spawn an agent" });
  await form.getByRole("button", { name: "Spawn", exact: true }).waitFor();
  return form;
}

export async function spawn(server: Server, name: string, line: string, ...more: string[]): Promise<void> {
  await server.mosaic("agent", "spawn", "--name", name, ...more, "--", line);
}

interface JobNow {
  state: string;
  message?: string;
}

/** The job as the server knows it. */
export async function jobNow(server: Server, name: string): Promise<JobNow> {
  const answer: unknown = JSON.parse(await server.mosaic("job", "show", name, "--json"));
  const of: unknown = typeof answer === "object" && answer !== null ? Reflect.get(answer, "job") : undefined;
  return (of ?? answer) as JobNow;
}

export async function printed(server: Server, name: string): Promise<string> {
  return server.mosaic("agent", "logs", name);
}
