// Where one types, in a real browser: lines, input methods, paste, drafts. It must not know how the page
// does it.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { ask, box, conversation, finished, said, say } from "./support/chat.ts";
import { suite } from "./support/suite.ts";

const { server, visit } = suite();

function options(page: Page) {
  return page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
}

/** A picture of one colour, in the clipboard. */
async function copyPicture(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 120, height: 80 });
    const pen = canvas.getContext("2d");
    if (pen) pen.fillStyle = "teal";
    pen?.fillRect(0, 0, 120, 80);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
    if (blob) await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
  });
}

test("Enter sends, Shift+Enter begins a line, and the other way round for who wants that", async () => {
  const page = await (await visit()).signIn();
  await page.getByRole("button", { name: "New conversation" }).first().click();
  const low = (await box(page).boundingBox())?.height ?? 0;
  await box(page).click();
  await page.keyboard.type("One line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("and another");
  expect(await box(page).inputValue()).toBe("One line\nand another");
  expect((await box(page).boundingBox())?.height).toBeGreaterThan(low + 10);
  await page.keyboard.press("Enter");
  await expect.poll(() => said(page).getByText("One line").textContent()).toBe("One line\nand another");
  await finished(page);
  expect((await box(page).boundingBox())?.height).toBe(low);
  await box(page).press("Enter");
  await page.getByRole("button", { name: "Chat settings" }).click();
  await page.getByRole("menuitem", { name: "Send with Ctrl+Enter" }).click();
  await box(page).click();
  await page.keyboard.type("First");
  await page.keyboard.press("Enter");
  await page.keyboard.type("second");
  expect(await box(page).inputValue()).toBe("First\nsecond");
  await page.keyboard.press("Control+Enter");
  await said(page).getByText("second").waitFor();
  await finished(page);
  expect(await page.getByRole("article", { name: "You" }).count()).toBe(2);
});

test("what is said before the last word is recorded is sent after it, not lost", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "/status");
  await finished(page);
  // Also while the list still has what fitted a shorter text.
  await box(page).fill("/");
  await options(page).getByText("/jobs").waitFor();
  for (const command of ["/jobs", "/agents", "/help", "/status"]) {
    await box(page).fill(command);
    await page.keyboard.press("Enter");
    await expect.poll(() => box(page).inputValue(), { interval: 5 }).toBe("");
  }
  await finished(page);
  const said = await page.getByRole("article", { name: "You" }).allInnerTexts();
  expect(said.map((text) => text.trim())).toEqual(["/status", "/jobs", "/agents", "/help", "/status"]);
  expect(await page.getByRole("group", { name: "Versions" }).count()).toBe(0);
});

test("an input method's Enter chooses a word and sends nothing", async () => {
  const page = await (await visit()).signIn();
  await box(page).click();
  const keys = await page.context().newCDPSession(page);
  await keys.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
  await expect.poll(() => box(page).inputValue()).toBe("にほん");
  await page.keyboard.press("Enter");
  expect(await page.getByRole("article").count()).toBe(0);
  await keys.send("Input.imeSetComposition", { text: "日本", selectionStart: 2, selectionEnd: 2 });
  await keys.send("Input.insertText", { text: "日本" });
  expect(await box(page).inputValue()).toContain("日本");
  expect(await page.getByRole("article").count()).toBe(0);
  await box(page).fill("日本");
  await page.keyboard.press("Enter");
  await said(page).getByText("日本").waitFor();
});

test("text is pasted as it is, an image is attached, shown, sent and there after a reload", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Before", "fake/quick");
  await finished(page);
  const text = "fn main() {\n\tlet x = 1;\n}";
  await page.evaluate((each) => navigator.clipboard.writeText(each), text);
  await box(page).click();
  await page.keyboard.press("Control+v");
  expect(await box(page).inputValue()).toBe(text);
  await box(page).fill("");

  await copyPicture(page);
  const attached = page.getByRole("list", { name: "Attached images" }).getByRole("listitem");
  await page.keyboard.press("Control+v");
  await attached.first().waitFor();
  await page.keyboard.press("Control+v");
  await expect.poll(() => attached.count()).toBe(2);
  await attached
    .last()
    .getByRole("button", { name: /^Remove / })
    .click();
  await expect.poll(() => attached.count()).toBe(1);
  // What is no image, or too much of one, is said at once.
  const files = [
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("text") },
    { name: "huge.png", mimeType: "image/png", buffer: Buffer.alloc(4 << 20) },
  ];
  await page.locator('input[type="file"]').setInputFiles(files);
  await page
    .getByText(/notes\.txt is text\/plain/)
    .first()
    .waitFor();
  await page
    .getByText(/huge\.png is too large/)
    .first()
    .waitFor();
  await box(page).click();
  await page.keyboard.type("What is this?");
  await page.keyboard.press("Enter");
  await finished(page);
  expect(await attached.count()).toBe(0);
  const told = server().wire.question("What is this?")?.messages.at(-1)?.content;
  expect(JSON.stringify(told)).toContain("data:image/png;base64,");
  await page.reload();
  await said(page)
    .getByRole("button", { name: /^Open Image 1, PNG/ })
    .click();
  const large = page.getByRole("dialog").getByRole("img", { name: "Image 1" });
  await expect.poll(() => large.evaluate((each) => (each as HTMLImageElement).naturalWidth)).toBe(120);
});

test("a message with an image, sent while the server is away, outlives a reload and is sent once", async () => {
  const page = await (await visit()).signIn();
  await ask(page, "Before the server goes", "fake/quick");
  await finished(page);
  await conversation(page);
  await copyPicture(page);
  await box(page).click();
  await page.keyboard.press("Control+v");
  await page.getByRole("list", { name: "Attached images" }).getByRole("listitem").waitFor();
  await server().stopServing();
  await say(page, "What is on this?");
  await expect.poll(() => box(page).inputValue()).toBe("");
  // There is nobody who would answer it.
  await page.reload().catch(() => undefined);
  await server().again();
  await page.reload();
  await said(page).getByText("What is on this?").waitFor();
  await finished(page);
  expect(await page.getByRole("article", { name: "You" }).count()).toBe(2);
  await page.reload();
  await said(page)
    .getByRole("button", { name: /^Open Image 1, PNG/ })
    .waitFor();
  expect(await page.getByRole("article", { name: "You" }).count()).toBe(2);
  expect(await said(page).getByText("What is on this?").count()).toBe(1);
});

test("a draft stays with its conversation, over a reload in the same moment", async () => {
  const person = await visit();
  const page = await person.signIn();
  await ask(page, "The first one", "fake/quick");
  await finished(page);
  const first = await conversation(page);
  await box(page).click();
  await page.keyboard.type("Draft of the first");
  await page.reload();
  await expect.poll(() => box(page).inputValue()).toBe("Draft of the first");
  await page.getByRole("button", { name: "New conversation" }).first().click();
  expect(await box(page).inputValue()).toBe("");
  await box(page).fill("Draft of a new one");

  // Another tab that only looks takes nothing away.
  const other = await person.signIn();
  await other.goto(`${server().endpoint}/#c/${first}`);
  await expect.poll(() => box(other).inputValue()).toBe("Draft of the first");
  await page.goto(`${server().endpoint}/#c/${first}`);
  await expect.poll(() => box(page).inputValue()).toBe("Draft of the first");
  await box(page).fill("Another draft of the first");
  await other.close({ runBeforeUnload: true });
  await page.reload();
  await expect.poll(() => box(page).inputValue()).toBe("Another draft of the first");
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await expect.poll(() => box(page).inputValue()).toBe("Draft of a new one");

  // What was sent is no draft any more.
  await page.keyboard.press("Enter");
  await finished(page);
  await page.reload();
  await said(page).getByText("Draft of a new one").waitFor();
  expect(await box(page).inputValue()).toBe("");
  await page.getByRole("button", { name: "New conversation" }).first().click();
  expect(await box(page).inputValue()).toBe("");
});
