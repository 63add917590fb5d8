// What the models of the tests say, in the fake model server's own language. It must not know who asks.

/** A Markdown answer with everything that the page can show. */
export const MARKDOWN = `# A heading

A **Markdown** answer with \`code\`, a [link](https://example.org/x), and a list:

- first
- second, with *emphasis*

| crate | what it does |
|---|---|
| tokio | tasks and timers |

\`\`\`rust
fn main() {
    println!("forty-two");
}
\`\`\`

> A quote.

A last paragraph that closes the answer.
`;

/** Everything that a page must not take for its own. */
export const HOSTILE =
  '<script>window.stolen=1</script><img src=x onerror="window.stolen=1"> [x](javascript:window.stolen=1) ' +
  "![i](https://outside.example/i.png) <svg onload=window.stolen=1> https://outside.example/plain\n";

function reply(name: string, steps: string[], settings = ""): string {
  return `[[models.${name}]]\n${settings}\nsteps = [${steps.join(", ")}]\n`;
}

function text(words: string): string[] {
  return (words.match(/\S+\s*|\s+/g) ?? []).map((word) => `{ text = ${JSON.stringify(word)} }`);
}

/** The script. */
export function models(): string {
  return [
    reply("markdown", text(MARKDOWN), "tokens_per_second = 200"),
    reply("quick", text("A short answer that comes at once.")),
    reply(
      "numbers",
      text(Array.from({ length: 400 }, (_, n) => `n${n} `).join("")),
      "tokens_per_second = 40",
    ),
    reply("thinking", [
      '{ thinking = "First I look at it.\\n" }',
      "{ wait_ms = 600 }",
      '{ thinking = "Then I weigh it." }',
      "{ wait_ms = 600 }",
      ...text("Done."),
    ]),
    reply("breathless", text("It goes on and on until"), 'stop = "length"'),
    reply("prim", text("I would rather not."), 'stop = "refused"'),
    reply(
      "counted",
      text("Every token was counted."),
      "usage = { input = 1200, output = 340, cached = 1000, thinking = 200 }",
    ),
    reply("broken", ["{ words = 10 }", '{ error = { message = "out of memory" } }']),
    reply("hostile", text(HOSTILE)),
    '[[models.busy]]\nstatus = 529\nerror = { kind = "overloaded_error", message = "Overloaded" }\n',
  ].join("\n");
}
