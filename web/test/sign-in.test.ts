// That a link's code is read, that what was kept is checked, and that people are told what to do.

import { describe, expect, test } from "vitest";
import { codeOf } from "../src/sign-in/code.ts";
import { isToken, parseCredential } from "../src/sign-in/credential.ts";
import { storyOf } from "../src/sign-in/words.ts";

test("the code is in the fragment only", () => {
  expect(codeOf("#sign-in=abc")).toBe("abc");
  expect(codeOf("#sign-in=a%2Bb")).toBe("a+b");
  expect(codeOf("#sign-in=%")).toBe("%");
  expect(codeOf("#sign-in=")).toBeUndefined();
  expect(codeOf("#c")).toBeUndefined();
  expect(codeOf("?sign-in=abc")).toBeUndefined();
  expect(codeOf(`#sign-in=${"a".repeat(9000)}`)?.length).toBeLessThan(1000);
});

describe("what was kept", () => {
  test("comes back", () => {
    const linked = { token: "mosaic_x", tokenId: "1", session: true };
    expect(parseCredential(JSON.stringify(linked))).toEqual(linked);
    expect(parseCredential('{"token":"mosaic_x","tokenId":"1"}')).toEqual({
      token: "mosaic_x",
      tokenId: "1",
    });
    expect(parseCredential('{"token":"mosaic_x"}')).toEqual({ token: "mosaic_x" });
  });

  test("is dropped if it is anything else", () => {
    for (const text of [
      null,
      "",
      "{",
      "[]",
      "null",
      "3",
      '{"token":3}',
      '{"token":"a b"}',
      '{"token":"a\\nb"}',
      "{}",
    ])
      expect(parseCredential(text)).toBeUndefined();
  });

  test("no header can be made of what has spaces or line breaks", () => {
    expect(isToken("mosaic_abc-_~")).toBe(true);
    for (const text of ["", "a b", "a\r\nx: y", "é", "x".repeat(9999)]) expect(isToken(text)).toBe(false);
  });
});

describe("why nobody is signed in", () => {
  const why = (reason: string, code = "unauthenticated") => ({
    reason,
    code,
    message: "words of the server",
    retryable: false,
    metadata: {},
  });

  test("is said for each reason", () => {
    expect(storyOf(undefined, undefined)).toBeUndefined();
    expect(storyOf(why("CODE_SPENT"), "link")?.title).toContain("spent");
    expect(storyOf(why("SIGN_IN_ATTEMPTS", "resource_exhausted"), "link")?.text).toContain("Wait a minute");
    expect(storyOf(why("TOKEN_EXPIRED"), "session")?.title).toContain("expired");
    expect(storyOf(why("TOKEN_UNKNOWN"), "session")?.title).toContain("signed out");
    expect(storyOf(why("TOKEN_UNKNOWN"), "token")?.title).toContain("does not know");
    expect(storyOf(why("UNREACHABLE", "unavailable"), "token")?.title).toContain("does not answer");
    expect(storyOf(why("INTERNAL", "internal"), "token")?.text).toBe("words of the server");
  });
});
