// The tree of messages: branches, siblings, and which knowledge of a message wins.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Message, Message_State, MessageSchema } from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  emptyTree,
  newestLeaf,
  reachesBeginning,
  shownBranch,
  siblingsOf,
  streamingOf,
  withMessages,
} from "../src/chat/tree.ts";

function message(
  id: string,
  parentId: string,
  more: { state?: Message_State; content?: string; lastSequence?: bigint } = {},
): Message {
  return create(MessageSchema, { id, parentId, state: Message_State.COMPLETE, ...more });
}

const family = [
  message("1", ""),
  message("2", "1"),
  message("3", "2"),
  message("4", "3"),
  message("5", "2"),
  message("6", "5"),
  message("7", "1"),
];

describe("tree", () => {
  it("shows the branch that ends at the head, oldest first", () => {
    const tree = withMessages(emptyTree, family);
    expect(shownBranch(tree, "6").map((one) => one.id)).toEqual(["1", "2", "5", "6"]);
    expect(shownBranch(tree, "nobody")).toEqual([]);
    expect(reachesBeginning(shownBranch(tree, "7"))).toBe(true);
  });

  it("begins where a parent is not known", () => {
    const branch = shownBranch(withMessages(emptyTree, [message("5", "2"), message("6", "5")]), "6");
    expect(branch.map((one) => one.id)).toEqual(["5", "6"]);
    expect(reachesBeginning(branch)).toBe(false);
  });

  it("knows who stands beside whom, and the newest leaf below", () => {
    const tree = withMessages(emptyTree, family);
    expect(siblingsOf(tree, "5")).toEqual({ ids: ["3", "5"], index: 1 });
    expect(siblingsOf(tree, "2")).toEqual({ ids: ["2", "7"], index: 0 });
    expect(newestLeaf(tree, "3")).toBe("4");
    expect(newestLeaf(tree, "2")).toBe("6");
  });

  it("does not go round where parents do", () => {
    const tree = withMessages(emptyTree, [message("1", "2"), message("2", "1")]);
    expect(shownBranch(tree, "1").length).toBeLessThan(5);
    expect(typeof newestLeaf(tree, "1")).toBe("string");
  });

  it("never takes back that a message is finished", () => {
    const done = message("2", "1", { content: "all of it" });
    const late = message("2", "1", { state: Message_State.STREAMING, content: "all", lastSequence: 99n });
    const tree = withMessages(withMessages(emptyTree, [done]), [late]);
    expect(tree.messages.get("2")?.content).toBe("all of it");
    expect(streamingOf(tree, 5)).toEqual([]);
  });

  it("is the same whatever order the messages come in", () => {
    const whole = withMessages(emptyTree, family);
    fc.assert(
      fc.property(fc.shuffledSubarray(family, { minLength: 7 }), fc.nat(7), (order, cut) => {
        const tree = withMessages(withMessages(emptyTree, order.slice(0, cut)), order);
        expect([...tree.children].sort()).toEqual([...whole.children].sort());
        expect(shownBranch(tree, "6")).toEqual(shownBranch(whole, "6"));
      }),
    );
  });
});
