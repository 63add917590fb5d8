// That addresses and what they mean go both ways, and that nothing else is an address.

import fc from "fast-check";
import { expect, test } from "vitest";
import { formatHash, type Place, parseHash } from "../src/layout/route.ts";

const places: Place[] = ["conversations", "terminals", "agents", "more", "usage", "tokens"];

test("an address comes back as it was", () => {
  fc.assert(
    fc.property(fc.uuid(), (conversationId) => {
      const route = { place: "chat" as const, conversationId };
      expect(parseHash(formatHash(route))).toEqual(route);
    }),
  );
  for (const place of places) expect(parseHash(formatHash({ place }))).toEqual({ place });
  expect(parseHash(formatHash({ place: "chat" }))).toEqual({ place: "chat" });
});

test("other words are no address", () => {
  for (const hash of ["", "#", "#c/", "#c/../x", "#c/<script>", "#sign-in=abc", "#Usage", "#chat"])
    expect(parseHash(hash)).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => parseHash(`#c/${text} `) === undefined));
});
