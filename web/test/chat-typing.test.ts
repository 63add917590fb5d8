// What is typed: places in UTF-8 and UTF-16, drafts, mentions, images; and how conversations are listed and answers read out.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConversationSchema } from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import { nextSentences, spoken } from "../src/chat/announce.ts";
import { keepDraft, readDraft, type Shelf } from "../src/chat/drafts.ts";
import { byChange, dayLabel, rowsOf } from "../src/chat/groups.ts";
import { choose, IMAGES_BYTES_MAX, IMAGES_MAX } from "../src/chat/images.ts";
import { matching, mentionAt, type Named } from "../src/chat/mentions.ts";
import { byteLength, indexOfByte } from "../src/chat/offsets.ts";

describe("offsets", () => {
  it("are those of the encoder, for every letter", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const encoder = new TextEncoder();
        expect(byteLength(text)).toBe(encoder.encode(text).length);
        let index = 0;
        for (const letter of text) {
          expect(indexOfByte(text, encoder.encode(text.slice(0, index)).length)).toBe(index);
          index += letter.length;
        }
        expect(indexOfByte(text, Number.MAX_SAFE_INTEGER)).toBe(text.length);
      }),
    );
  });
});

function shelf(): Shelf & { size: number } {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    get size() {
      return kept.size;
    },
  };
}

describe("drafts", () => {
  it("are kept for each conversation, and only so many", () => {
    const store = shelf();
    for (let index = 0; index < 100; index += 1) {
      keepDraft(store, `c${index}`, `draft ${index}`);
    }
    expect(readDraft(store, "c99")).toBe("draft 99");
    expect(readDraft(store, "c1")).toBe("");
    expect(store.size).toBeLessThanOrEqual(41);
    keepDraft(store, "c99", "");
    expect(readDraft(store, "c99")).toBe("");
  });

  it("survive a storage that refuses, or holds nonsense", () => {
    const broken: Shelf = {
      getItem: () => "{nonsense",
      setItem: () => {
        throw new Error("full");
      },
      removeItem: () => undefined,
    };
    expect(() => keepDraft(broken, "c", "x")).not.toThrow();
  });
});

describe("mentions", () => {
  const names: Named[] = [
    { name: "sh-1", kind: "terminal", detail: "" },
    { name: "big-sh", kind: "terminal", detail: "" },
    { name: "Shell-7", kind: "agent", detail: "" },
  ];

  it("are seen at the cursor only", () => {
    expect(mentionAt("look at @sh", 11)).toEqual({ from: 8, typed: "sh" });
    expect(mentionAt("@", 1)).toEqual({ from: 0, typed: "" });
    expect(mentionAt("me@example", 10)).toBeUndefined();
    expect(mentionAt("@sh and", 7)).toBeUndefined();
  });

  it("offer what begins so first", () => {
    expect(matching(names, "sh").map((one) => one.name)).toEqual(["sh-1", "Shell-7", "big-sh"]);
  });
});

describe("images", () => {
  const file = (name: string, type: string, size: number) => ({ name, type, size });

  it("are taken up to their number and size, and it is said which are not", () => {
    const many = Array.from({ length: 20 }, (_, index) => file(`${index}.png`, "image/png", 10));
    const some = choose([], many);
    expect([some.taken.length, some.refused.length]).toEqual([IMAGES_MAX, 4]);
    const large = choose([{ data: new Uint8Array(10) }], [file("a.png", "image/png", IMAGES_BYTES_MAX)]);
    expect(large.taken).toEqual([]);
    expect(large.refused[0]).toContain("a.png is too large");
    expect(choose([], [file("x.svg", "image/svg+xml", 5)]).refused[0]).toContain("image/svg+xml");
  });
});

describe("the list", () => {
  const now = new Date(2026, 2, 31, 15).getTime();
  const conversation = (id: string, at: number) =>
    create(ConversationSchema, { id, updateTime: { seconds: BigInt(Math.floor(at / 1000)), nanos: 0 } });

  it("has a heading for each day", () => {
    const day = 86_400_000;
    const all = [
      conversation("a", now - day * 40),
      conversation("b", now - 1000),
      conversation("c", now - day),
    ];
    const rows = rowsOf([...all].sort(byChange), now, "en");
    expect(rows.map((row) => (row.kind === "day" ? row.label : row.key))).toEqual([
      "Today",
      "b",
      "Yesterday",
      "c",
      "February",
      "a",
    ]);
    expect(dayLabel(now - day * 500, now, "en")).toBe("November 2024");
    expect(dayLabel(now - day * 3, now, "en")).toBe("Saturday");
  });
});

describe("what is read out", () => {
  it("is whole sentences, all of them once", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("One. ", "two ", "three!\n", "- four\n", "**five**"), { maxLength: 400 }),
        (parts) => {
          let text = "";
          let from = 0;
          for (const part of parts) {
            text += part;
            const said = nextSentences(text, from, false);
            expect(said.upTo).toBeGreaterThanOrEqual(from);
            from = said.upTo;
          }
          for (let turns = 0; turns < 10 && from < text.length; turns += 1) {
            from = nextSentences(text, from, true).upTo;
          }
          expect(from).toBe(text.length);
        },
      ),
    );
    expect(nextSentences("It is so. And th", 0, false).words).toBe("It is so.");
  });

  it("has no signs of Markdown in it", () => {
    expect(spoken("# A *title*\n\n[link](https://x.example) and `code`")).toBe("A title link and code");
  });
});
