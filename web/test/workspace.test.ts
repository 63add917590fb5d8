// The page's knowledge of the workspace when its reading of events fails: it lists again, but not without a pause.

import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Clients } from "../src/api/clients.ts";
import { failure } from "../src/api/failure.ts";
import { TerminalSchema } from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { EventSchema } from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";
import type { EventReader, Hub } from "../src/hub/hub.ts";
import { Workspace } from "../src/workspace/store.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", new EventTarget());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open() {
  const readers: { after: bigint; reader: EventReader }[] = [];
  let lists = 0;
  const clients = {
    workspace: { whoAmI: async () => ({}) },
    terminals: {
      listTerminals: async () => {
        lists += 1;
        return { terminals: [create(TerminalSchema, { id: `t${lists}` })], sequence: BigInt(lists) };
      },
    },
    agents: {
      listJobs: async () => ({ jobs: [], sequence: BigInt(lists) }),
      listAgents: async () => ({ agents: [], sequence: BigInt(lists) }),
      getQueue: async () => ({}),
    },
    chat: { listConversations: async () => ({ conversations: [], nextPageToken: "" }) },
  };
  const hub = {
    events: (after: bigint, reader: EventReader) => {
      readers.push({ after, reader });
      return () => {};
    },
  };
  const workspace = new Workspace(clients as unknown as Clients, hub as unknown as Hub);
  return { workspace, readers };
}

it("lists again when its reading of events fails, ever more slowly until one comes", async () => {
  const { workspace, readers } = open();
  await vi.advanceTimersByTimeAsync(10);
  expect([...workspace.store.getState().terminals.keys()]).toEqual(["t1"]);
  const refusal = failure("EVENTS_LIMIT", "resource_exhausted", "too many readers");
  readers.at(-1)?.reader.failed?.(refusal);
  expect(workspace.store.getState().problem).toBe(refusal);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(readers.map(({ after }) => after)).toEqual([1n, 2n]);
  expect(workspace.store.getState().problem).toBeUndefined();
  expect([...workspace.store.getState().terminals.keys()]).toEqual(["t2"]);

  let failed = readers.length - 1;
  for (let second = 0; second < 20; second++) {
    if (readers.length > failed) {
      failed = readers.length;
      readers.at(-1)?.reader.failed?.(refusal);
    }
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(readers.length).toBeLessThan(10);
  await vi.advanceTimersByTimeAsync(60_000);
  readers.at(-1)?.reader.event(create(EventSchema, { sequence: 9n }));
  const before = readers.length;
  readers.at(-1)?.reader.failed?.(refusal);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(readers.length).toBe(before + 1);
  workspace.close();
});

it("does not go on with a token that is refused", async () => {
  const { workspace, readers } = open();
  await vi.advanceTimersByTimeAsync(10);
  readers.at(-1)?.reader.failed?.(failure("TOKEN_EXPIRED", "unauthenticated", "sign in again"));
  await vi.advanceTimersByTimeAsync(600_000);
  expect(readers.length).toBe(1);
  workspace.close();
});
