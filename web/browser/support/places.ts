// Every view of the page and the way there, on a wide page and on a phone, with something in each. It must not know
// what a test looks for in them.

import type { Page } from "playwright-core";
import { answer, ask, finished } from "./chat.ts";
import type { Server } from "./server.ts";
import { openShell, readable, shows } from "./terminal.ts";

export interface Place {
  name: string;
  show(page: Page): Promise<void>;
  leave?(page: Page): Promise<void>;
}

/** An answer, agents in several states and a shell: what a workspace looks like that is used. */
export async function furnish(page: Page, server: Server): Promise<void> {
  if (!(await server.mosaic("agent", "ls")).includes("builder")) {
    await server.mosaic("agent", "spawn", "--name", "builder", "--", "echo compiling; sleep 300");
    await server.mosaic("agent", "spawn", "--name", "tester", "--", "echo 12 tests passed; exit 0");
    await server.mosaic("agent", "spawn", "--name", "mender", "--", "echo no such file >&2; exit 3");
  }
  await ask(page, "Show me what you can", "fake/markdown");
  await finished(page);
  await answer(page).getByText("A last paragraph").waitFor();
  await readable(page);
  await page.reload();
  if (await page.getByRole("navigation", { name: "Views" }).isVisible()) await bar(page, "Terminals");
  await openShell(page);
  await shows(page, "$");
  await page.keyboard.type("ls --color=always -la / | head -6\r");
  await shows(page, "root");
}

const dismiss = (page: Page) => page.keyboard.press("Escape");

function agents(page: Page) {
  return page.getByRole("region", { name: "Agents and jobs" });
}

async function inAgents(page: Page, tab: string): Promise<void> {
  await agents(page).getByRole("tab", { name: tab }).click();
  await agents(page).getByRole("tabpanel", { name: tab }).waitFor();
}

async function detail(page: Page, tab: string): Promise<void> {
  await inAgents(page, "Agents");
  await agents(page)
    .getByRole("button", { name: /builder/ })
    .click();
  await agents(page).getByRole("tab", { name: tab }).click();
  await agents(page).getByRole("heading", { name: "builder" }).waitFor();
}

async function noDetail(page: Page): Promise<void> {
  await agents(page).getByRole("button", { name: "All agents" }).click();
}

async function dialog(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole("dialog", { name }).or(page.getByRole("alertdialog", { name })).waitFor();
}

/** What is the same on both pages, once the agents are in sight. */
function ofAgents(reach: (page: Page) => Promise<void>): Place[] {
  const to = (then: (page: Page) => Promise<void>) => async (page: Page) => {
    await reach(page);
    await then(page);
  };
  const open = (button: string) => (page: Page) =>
    agents(page).getByRole("button", { name: button, exact: true }).click();
  return [
    { name: "agents", show: to((page) => inAgents(page, "Agents")) },
    { name: "agent", show: to((page) => detail(page, "Overview")), leave: noDetail },
    { name: "agent's terminal", show: to((page) => detail(page, "Terminal")), leave: noDetail },
    { name: "agent's log", show: to((page) => detail(page, "Log")), leave: noDetail },
    { name: "jobs", show: to((page) => inAgents(page, "Jobs")) },
    {
      name: "events",
      show: to((page) => inAgents(page, "Events")),
      leave: (page) => inAgents(page, "Agents"),
    },
    {
      name: "spawn",
      show: to(async (page) => {
        await open("Spawn")(page);
        await dialog(page, /spawn/i);
      }),
      leave: dismiss,
    },
    {
      name: "kill all",
      show: to(async (page) => {
        await open("Kill all agents")(page);
        await dialog(page, /kill all/i);
      }),
      leave: dismiss,
    },
  ];
}

async function menu(page: Page, item: string): Promise<void> {
  await page.getByRole("button", { name: /^Mosaic, workspace/ }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

async function palette(page: Page): Promise<void> {
  await page.keyboard.press("Control+k");
  await dialog(page, "Command palette");
}

export function places(): Place[] {
  return [
    { name: "chat", show: (page) => menu(page, "Chat") },
    {
      name: "terminals",
      show: (page) => page.getByRole("button", { name: "Maximize panel" }).click(),
      leave: (page) => page.getByRole("button", { name: "Restore panel size" }).click(),
    },
    ...ofAgents(async () => {}),
    {
      name: "usage",
      show: async (page) => {
        await menu(page, "Usage");
        await page.getByRole("table").first().waitFor();
      },
    },
    {
      name: "tokens",
      show: async (page) => {
        await menu(page, "Tokens");
        await page.getByRole("table").first().waitFor();
      },
    },
    {
      name: "settings",
      show: async (page) => {
        await page.getByRole("button", { name: "Settings", exact: true }).click();
        await dialog(page, "Settings");
      },
      leave: dismiss,
    },
    {
      name: "shortcuts",
      show: async (page) => {
        await menu(page, "Keyboard shortcuts");
        await dialog(page, "Keyboard shortcuts");
      },
      leave: dismiss,
    },
    { name: "palette", show: palette, leave: dismiss },
  ];
}

/** A button of the bar at the bottom of a phone. */
export async function bar(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation", { name: "Views" }).getByRole("button", { name }).click();
}

async function more(page: Page, item: string): Promise<void> {
  await bar(page, "More");
  await page.getByRole("main").getByRole("button", { name: item }).click();
}

export function placesOfAPhone(): Place[] {
  return [
    {
      name: "chat",
      show: async (page) => {
        await bar(page, "Chat");
        await answer(page).waitFor();
      },
    },
    {
      name: "conversations",
      show: (page) => page.getByRole("button", { name: "Show conversations" }).click(),
    },
    { name: "terminals", show: (page) => bar(page, "Terminals") },
    ...ofAgents((page) => bar(page, "Agents")),
    { name: "more", show: (page) => bar(page, "More") },
    {
      name: "usage",
      show: async (page) => {
        await more(page, "Usage");
        await page.getByRole("table").first().waitFor();
      },
    },
    {
      name: "tokens",
      show: async (page) => {
        await more(page, "Tokens");
        await page.getByRole("table").first().waitFor();
      },
    },
    {
      name: "settings",
      show: async (page) => {
        await more(page, "Settings");
        await dialog(page, "Settings");
      },
      leave: dismiss,
    },
    {
      name: "shortcuts",
      show: async (page) => {
        await more(page, "Keyboard shortcuts");
        await dialog(page, "Keyboard shortcuts");
      },
      leave: dismiss,
    },
    { name: "palette", show: palette, leave: dismiss },
  ];
}
