// What a program printed, as lines of plain text for reading: no escape sequences, a carriage return begins its line anew.
//
// It takes bytes as they come, whatever they are split at, and keeps a bounded number of lines. It must not know where
// the bytes come from; a terminal shows what they really mean.

const LINES_MAX = 8000;
const LINE_CHARS_MAX = 4096;

type Mode = "text" | "escape" | "sequence" | "string" | "string-escape";

export class LogText {
  #lines: string[] = [];
  #line = "";
  /** The line begins anew with the next letter. */
  #return = false;
  #mode: Mode = "text";
  #dropped = false;
  #decoder = new TextDecoder("utf-8");

  constructor(private readonly linesMax: number = LINES_MAX) {}

  /** True if the oldest lines are not kept any more. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** What is kept, the line that is being printed last. */
  get text(): string {
    return this.#line ? [...this.#lines, this.#line].join("\n") : this.#lines.join("\n");
  }

  get lineCount(): number {
    return this.#lines.length + (this.#line ? 1 : 0);
  }

  push(bytes: Uint8Array): void {
    for (const letter of this.#decoder.decode(bytes, { stream: true })) {
      this.#take(letter);
    }
  }

  /** Something is missing here. */
  gap(words: string): void {
    this.#end();
    this.#decoder = new TextDecoder("utf-8");
    this.#mode = "text";
    this.#keep(words);
  }

  #take(letter: string): void {
    switch (this.#mode) {
      case "text":
        this.#plain(letter);
        break;
      case "escape":
        this.#mode =
          letter === "["
            ? "sequence"
            : "]PX^_".includes(letter)
              ? "string"
              : " #%()*+-./".includes(letter)
                ? "escape"
                : "text";
        break;
      case "sequence":
        // A sequence ends with its first letter from @ to ~; a control character within it stands for itself.
        if (letter >= "@" && letter <= "~") {
          this.#mode = "text";
        } else if (letter < " ") {
          this.#mode = "text";
          this.#plain(letter);
        }
        break;
      case "string":
        this.#mode =
          letter === "\x07"
            ? "text"
            : letter === "\x1b"
              ? "string-escape"
              : letter === "\n"
                ? "text"
                : "string";
        break;
      case "string-escape":
        this.#mode = letter === "\\" ? "text" : "string";
        break;
    }
  }

  #plain(letter: string): void {
    if (letter === "\x1b") {
      this.#mode = "escape";
    } else if (letter === "\n") {
      this.#end();
    } else if (letter === "\r") {
      this.#return = true;
    } else if (letter === "\b") {
      this.#line = this.#line.slice(0, -1);
    } else if (letter === "\t" || letter >= " ") {
      if (this.#return) {
        this.#line = "";
        this.#return = false;
      }
      if (this.#line.length < LINE_CHARS_MAX && letter !== "\x7f") {
        this.#line += letter;
      }
    }
  }

  #end(): void {
    this.#keep(this.#line);
    this.#line = "";
    this.#return = false;
  }

  #keep(line: string): void {
    this.#lines.push(line);
    // A quarter more is let in before any go, so that not every line moves all others.
    if (this.#lines.length > this.linesMax * 1.25) {
      this.#lines.splice(0, this.#lines.length - this.linesMax);
      this.#dropped = true;
    }
  }
}
