// What events make of conversations: the newest event counts, whatever the times say. It must not know the page.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ConversationSchema, Message_Role, MessageSchema } from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  ConversationChanged_Kind,
  EventSchema,
  MessageChanged_Kind,
} from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { applyEvent, NOTHING } from "../src/workspace/reduce.ts";

const ID = "c";

function conversation(title: string, ms: number) {
  const changed = create(ConversationSchema, { id: ID, title, updateTime: timestampFromMs(ms) });
  const value = { kind: ConversationChanged_Kind.UPDATED, conversation: changed };
  return create(EventSchema, { sequence: 1n, payload: { case: "conversation", value } });
}

function answer(ms: number) {
  const message = create(MessageSchema, { id: "m", conversationId: ID, role: Message_Role.ASSISTANT });
  const value = { kind: MessageChanged_Kind.CREATED, message };
  return create(EventSchema, { time: timestampFromMs(ms), payload: { case: "message", value } });
}

test("a title that came with the event after a message's is the title", () => {
  const events = [conversation("first words", 1_000), answer(3_000), conversation("A better one", 2_000)];
  const known = events.reduce(applyEvent, NOTHING);
  expect(known.conversations.get(ID)?.title).toBe("A better one");
  // And the list is still sorted by what changed last.
  expect(known.conversations.get(ID)?.updateTime).toEqual(timestampFromMs(3_000));
});
