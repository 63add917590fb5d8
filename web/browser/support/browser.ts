// A real Chromium, and pages of it that are watched: no request may leave the origin, nothing may break the page's
// policy, nothing may throw. It must not know what the page shows.

import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import type { Server } from "./server.ts";

const CHROMIUM = process.env.MOSAIC_TEST_CHROMIUM ?? "/usr/bin/chromium";

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    // Chromium's own sandbox refuses root, who runs the tests of a continuous integration.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

/** How a profile is other than most: `endpoint` is where it finds the server. */
export interface Way extends BrowserContextOptions {
  endpoint?: string;
}

/** One browser's profile, with its pages and what was wrong in them. */
export class Visit {
  /** What must not be: requests elsewhere, breaches of the policy, errors that nobody caught. */
  readonly wrongs: string[] = [];

  private constructor(
    readonly server: Server,
    readonly context: BrowserContext,
    readonly endpoint: string,
  ) {}

  static async begin(
    browser: Browser,
    server: Server,
    size = { width: 1440, height: 900 },
    { endpoint = server.endpoint, ...rest }: Way = {},
  ): Promise<Visit> {
    const context = await browser.newContext({
      viewport: size,
      permissions: ["clipboard-read", "clipboard-write"],
      ...rest,
    });
    const visit = new Visit(server, context, endpoint);
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (!["blob:", "data:"].includes(url.protocol) && url.origin !== endpoint)
        visit.wrongs.push(`a request left the origin: ${request.url()}`);
    });
    context.on("weberror", (error) =>
      visit.wrongs.push(`thrown: ${error.error().stack ?? error.error().message}`),
    );
    context.on("console", (message) => {
      const text = message.text();
      if (/content security policy/i.test(text)) visit.wrongs.push(text);
    });
    return visit;
  }

  /** Another page of this browser, signed in by a link. */
  async signIn(): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(`${this.endpoint}/#sign-in=${await this.server.code()}`);
    await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
    return page;
  }

  /** Another page of this browser, signed in by a token. */
  async enter(token: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(this.endpoint);
    const box = page.getByLabel(/token/i).first();
    await box.fill(token);
    await box.press("Enter");
    await page.getByRole("button", { name: "Settings" }).first().waitFor();
    return page;
  }

  /** Another page of this browser, wherever its storage says that it is signed in. */
  async open(hash = ""): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(`${this.endpoint}/${hash}`);
    return page;
  }

  /** Ends it; throws if anything was wrong. Leaves pictures of its pages where `MOSAIC_TEST_SHOTS` says. */
  async end(name: string): Promise<void> {
    const shots = process.env.MOSAIC_TEST_SHOTS;
    if (shots) {
      for (const [place, page] of this.context.pages().entries())
        await page
          .screenshot({ path: `${shots}/${name.replaceAll(/\W+/g, "-")}-${place}.png` })
          .catch(() => {});
    }
    await this.context.close();
    if (this.wrongs.length > 0) throw new Error(this.wrongs.join("\n"));
  }
}
