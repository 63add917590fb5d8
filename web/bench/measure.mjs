// Measures the page in a headless Chromium; `bench -- web` starts it beside a real server and makes the table.
//
// It prints a line of JSON for each figure: `{"what", "floor"?, "value"}`. It must not know what is asked of them.
// Without WebGL, so that what a terminal shows is in the document and can be waited for.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";

const { MOSAIC_ENDPOINT: endpoint, MOSAIC_SIGN_IN: link, MOSAIC_BENCH_WEB: wanted = "" } = process.env;
const KEYS = 200;
const BYTES = 50_000_000;
const USE_MS = 120_000;

function tell(what, value, floor) {
  console.log(JSON.stringify({ what, value, floor }));
}

const browser = await chromium.launch({
  executablePath: process.env.MOSAIC_TEST_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--disable-3d-apis",
    "--enable-precise-memory-info",
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
  ],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });

/** When output came from the worker's port: before anything of it is drawn. */
await context.addInitScript(() => {
  const { get, set } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
  Object.defineProperty(MessagePort.prototype, "onmessage", {
    get,
    set(listener) {
      set.call(this, (event) => {
        if (event.data?.kind === "items") window.came ??= performance.now();
        listener.call(this, event);
      });
    },
  });
});

/** The first page: from the link to a box that takes a message, and all JavaScript that came. */
async function load() {
  const page = await context.newPage();
  let bytes = 0;
  const read = [];
  page.on("response", (response) => {
    if (/\.js(\?|$)/.test(response.url()))
      read.push(response.body().then((body) => (bytes += gzipSync(body, { level: 9 }).length)));
  });
  const start = performance.now();
  await page.goto(link);
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  tell("load", performance.now() - start);
  await page.waitForLoadState("networkidle").catch(() => {});
  await Promise.all(read);
  tell("javascript", bytes / 1000);
  return page;
}

/** A shell in a tab of its own. */
async function shell(page) {
  await page
    .getByRole("region", { name: "Terminals" })
    .getByRole("button", { name: "New terminal", exact: true })
    .first()
    .click();
  await page
    .locator(".xterm-rows")
    .filter({ hasText: /[$#%] / })
    .last()
    .waitFor();
  await page.locator(".xterm-helper-textarea").last().focus();
}

/** A page with nothing but a terminal, which echoes by itself. */
async function bare() {
  const page = await context.newPage();
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve("@xterm/xterm") });
  await page.evaluate(() => {
    const place = document.createElement("div");
    document.body.append(place);
    const terminal = new window.Terminal({ cols: 150, rows: 20, scrollback: 10_000, allowProposedApi: true });
    terminal.open(place);
    terminal.onData((key) => terminal.write(key));
    Object.assign(window, { terminal });
  });
  await page.locator(".xterm-helper-textarea").focus();
  return page;
}

/**
 * From a key to its bytes in the page and to its letter in the document: all times, the shortest first. Keys come at
 * any moment between two frames, and nothing asks for a frame but xterm: Chromium lets tasks wait for the next frame
 * if one was asked for after a key.
 */
async function times(page) {
  await page.evaluate(() => {
    addEventListener(
      "keydown",
      () => Object.assign(window, { pressed: performance.now(), came: undefined }),
      {
        capture: true,
      },
    );
    const rows = [...document.querySelectorAll(".xterm-rows")].at(-1);
    const seen = new MutationObserver(() => {
      const { pressed, came } = window;
      if (pressed === undefined) return;
      window.pressed = undefined;
      window.echoed?.({ drawn: performance.now() - pressed, came: (came ?? pressed) - pressed });
    });
    seen.observe(rows, { childList: true, subtree: true, characterData: true });
  });
  const all = { came: [], drawn: [] };
  for (let n = 0; n < KEYS; n++) {
    await page.waitForTimeout(Math.random() * 50);
    await page.evaluate(() => {
      window.echo = new Promise((echoed) => Object.assign(window, { echoed }));
    });
    await page.keyboard.press("abcdefghij"[n % 10]);
    const { came, drawn } = await page.evaluate(() => window.echo);
    all.came.push(came);
    all.drawn.push(drawn);
  }
  for (const values of Object.values(all)) values.sort((a, b) => a - b);
  return all;
}

async function echo(page) {
  const alone = await bare();
  const floor = await times(alone);
  await alone.close();
  await page.bringToFront();
  await page.keyboard.type("PS1=; clear\r");
  await page.waitForTimeout(500);
  const echoes = await times(page);
  await page.keyboard.press("Control+C");
  for (const [name, part] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ]) {
    const at = Math.floor(KEYS * part);
    tell(`echo ${name}`, echoes.came[at]);
    tell(`drawn ${name}`, echoes.drawn[at], floor.drawn[at]);
  }
}

/** The same bytes into a bare xterm, and through a terminal of the server's. */
async function output(page) {
  const line = `${"0123456789".repeat(7)}\r\n`;
  const alone = await bare();
  const floor = await alone.evaluate(
    async ({ line, bytes }) => {
      const piece = line.repeat(Math.floor(65_536 / line.length));
      const start = performance.now();
      for (let sent = 0; sent < bytes; sent += piece.length)
        await new Promise((done) => window.terminal.write(piece, done));
      return performance.now() - start;
    },
    { line, bytes: BYTES },
  );
  await alone.close();
  await page.bringToFront();
  const count = Math.floor(BYTES / line.length);
  await page.keyboard.type(`yes ${"0123456789".repeat(7)} | head -n ${count}; echo all''over\r`);
  const start = performance.now();
  await page.locator(".xterm-rows").filter({ hasText: "allover" }).waitFor({ timeout: 300_000 });
  tell("output", performance.now() - start, floor);
}

/** What the page's and its worker's processes hold, in MiB. */
async function resident() {
  const debug = await browser.newBrowserCDPSession();
  const { processInfo } = await debug.send("SystemInfo.getProcessInfo");
  await debug.detach();
  const kib = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1]);
  return kib.reduce((sum, of) => sum + Number(of), 0) / 1024;
}

/** Two minutes of typing, output, answers and views; what is held after half a minute of it, and at the end. */
async function memory(page) {
  const debug = await context.newCDPSession(page);
  const heap = async () => {
    await debug.send("HeapProfiler.collectGarbage");
    return page.evaluate(() => performance.memory.usedJSHeapSize / 2 ** 20);
  };
  const end = performance.now() + USE_MS;
  let first;
  for (let round = 0; performance.now() < end; round++) {
    await page.locator(".xterm-helper-textarea").last().focus();
    await page.keyboard.type(`seq 1 20000; echo round ${round}\r`);
    const box = page.getByRole("textbox", { name: "Message", exact: true });
    await box.fill(round % 2 ? "/help" : "/status");
    await box.press("Enter");
    await page.waitForTimeout(1_000);
    if (first === undefined && performance.now() > end - USE_MS * 0.75)
      first = { heap: await heap(), resident: await resident() };
  }
  const last = { heap: await heap(), resident: await resident() };
  tell("memory", last.heap);
  tell("memory growth", last.heap - first.heap);
  tell("resident", last.resident);
  tell("resident growth", last.resident - first.resident);
}

try {
  const wants = (name) => wanted === "" || wanted.split(",").includes(name);
  const page = await load();
  await shell(page);
  if (wants("echo")) await echo(page);
  if (wants("output")) await output(page);
  if (wants("memory")) await memory(page);
  if (!page.url().startsWith(endpoint)) throw new Error(`the page is at ${page.url()}`);
} finally {
  await browser.close();
}
