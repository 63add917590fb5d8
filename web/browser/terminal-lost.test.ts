// Output that is not kept any more, and terminals whose keeper died. It must not know where they are kept.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { suite } from "./support/suite.ts";
import { atShell, names, prompt, run, screen, shows, tab, view } from "./support/terminal.ts";

const { server, visit } = suite(`
[terminal]
output_log_bytes_max = 131072
segment_bytes = 32768
`);

/** The field of a process that /proc calls so. */
function status(pid: number, field: string): string {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return text.match(new RegExp(`^${field}:\\s*(\\S+)`, "m"))?.[1] ?? "";
}

function children(parent: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && Number(status(pid, "PPid")) === parent;
      } catch {
        // It ended meanwhile.
        return false;
      }
    });
}

async function shellOf(name: string): Promise<number> {
  const list: { terminals?: { name: string; pid: number }[] } = JSON.parse(
    await server().mosaic("--json", "term", "ls"),
  );
  const pid = list.terminals?.find((each) => each.name === name)?.pid ?? 0;
  if (pid === 0) throw new Error(`${name} has no process`);
  return pid;
}

test("output that the log no longer has is a line with its size, and the top says that it is gone", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  await run(page, "echo beg''un; sleep 1; seq -f '%0100g' 60000; echo en''ded");
  await shows(page, "begun");
  // A page that has no time to read: 6 MB go by, of which the log keeps 128 kB.
  await page.evaluate(() => {
    const until = Date.now() + 5000;
    while (Date.now() < until);
  });
  await shows(page, "ended");
  await page.keyboard.press("Control+Shift+F");
  const bar = page.getByRole("search", { name: "Find in the terminal" });
  await bar.getByRole("textbox").fill("of output are no longer kept");
  await bar.getByText(/^1 of/).waitFor();
  await shows(page, /\d+(\.\d)? [kM]B of output are no longer kept/);
  await bar.getByRole("textbox").press("Escape");
  await page.reload();
  await shows(page, "ended");
  await prompt(page).focus();
  await page.keyboard.press("Control+Shift+Home");
  await view(page, name).getByText("Older output is no longer kept").waitFor();
  expect((await screen(page)).trim()).toMatch(/^0+\d+/);
});

test("a terminal whose keeper and shell were killed is lost, says so, and starts again", async () => {
  const page = await atShell(await visit());
  const [name = ""] = await names(page);
  await run(page, "echo kept to the e''nd");
  await shows(page, "kept to the end");
  const shell = await shellOf(name);
  const keeper = Number(status(shell, "PPid"));
  expect(status(keeper, "Name")).toMatch(/mosaic/);
  // Whichever lives on hands it to the other: both must go.
  await server().kill9();
  for (const pid of [keeper, ...children(keeper)]) process.kill(pid, "SIGKILL");
  await server().again();
  await view(page, name)
    .getByText(/^Lost after/)
    .waitFor({ timeout: 40_000 });
  await tab(page, /lost/).waitFor();
  await page.reload();
  await shows(page, "kept to the end");
  await view(page, name)
    .getByText(/^Lost after/)
    .waitFor();
  await view(page, name).getByRole("button", { name: "Restart" }).click();
  await page.getByText(/^Lost after/).waitFor({ state: "detached" });
  await shows(page, "$");
  await expect.poll(() => prompt(page).evaluate((area) => area === document.activeElement)).toBe(true);
  await run(page, "echo runs ag''ain");
  await shows(page, "runs again");
});
