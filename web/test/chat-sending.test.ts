// What is sent: until it is recorded, under one request id, kept over a reload; and answers read in frames.

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Clients } from "../src/api/clients.ts";
import { failure } from "../src/api/failure.ts";
import {
  Message_State,
  type MessageEvent,
  MessageEventSchema,
  MessageSchema,
  ParametersSchema,
  type SendMessageRequest,
} from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Answer } from "../src/chat/answer.ts";
import type { Shelf } from "../src/chat/drafts.ts";
import { count, duration, endWords, failureSentence, tookMs } from "../src/chat/format.ts";
import { forgetOutgoing, keepOutgoing, outgoingOf } from "../src/chat/outbox.ts";
import { deliver, type Outgoing, saysTheSame } from "../src/chat/outgoing.ts";
import { formOf, parseForm } from "../src/chat/settings.ts";
import { Watching } from "../src/chat/watching.ts";
import type { MessageReader } from "../src/hub/hub.ts";

const opened = {
  event: create(MessageEventSchema, {
    messageId: "answer",
    event: { case: "opened", value: { conversationId: "c", parentId: "said" } },
  }),
};

type Outcome = "opened" | "cut" | Code;

/** A server that does these one after the other. */
function server(...outcomes: Outcome[]) {
  const requests: SendMessageRequest[] = [];
  const left: boolean[] = [];
  async function* sendMessage(request: SendMessageRequest, { signal }: { signal: AbortSignal }) {
    requests.push(request);
    const outcome = outcomes.shift() ?? "opened";
    if (typeof outcome === "number") {
      throw new ConnectError("no", outcome);
    }
    if (outcome === "opened") {
      yield opened;
      left.push(signal.aborted);
      throw new Error("nobody reads on");
    }
  }
  return { chat: { sendMessage } as unknown as Clients["chat"], requests, left };
}

function outgoing(more: Partial<Outgoing> = {}): Outgoing {
  const what = { kind: "send" as const, text: "hi", images: [], conversationId: "c", parentId: "p" };
  return { requestId: "r1", what, since: Date.now(), phase: "sending", ...more };
}

function attempts() {
  const waiting: string[] = [];
  const leave = new AbortController();
  const pause = async () => undefined;
  return {
    waiting,
    leave,
    attempts: {
      waiting: (why: { code: string }) => void waiting.push(why.code),
      pause,
      signal: leave.signal,
    },
  };
}

describe("deliver", () => {
  it("reads until it is recorded, and leaves", async () => {
    const { chat, requests } = server("opened");
    const recorded = await deliver(chat, outgoing(), attempts().attempts);
    expect(recorded).toEqual({ conversationId: "c", parentId: "said", answerId: "answer" });
    expect(requests).toHaveLength(1);
  });

  it("sends the same request again after a lost connection", async () => {
    const { chat, requests } = server(Code.Unavailable, "cut", "opened");
    const { attempts: again, waiting } = attempts();
    await deliver(chat, outgoing(), again);
    expect(requests.map(({ requestId }) => requestId)).toEqual(["r1", "r1", "r1"]);
    expect(waiting).toHaveLength(2);
  });

  it("does not repeat what was refused", async () => {
    const { chat, requests } = server(Code.ResourceExhausted);
    await expect(deliver(chat, outgoing(), attempts().attempts)).rejects.toMatchObject({
      code: "resource_exhausted",
    });
    expect(requests).toHaveLength(1);
  });

  it("gives up after two minutes, and when it is left", async () => {
    const old = outgoing({ since: Date.now() - 119_900 });
    await expect(deliver(server(Code.Unavailable).chat, old, attempts().attempts)).rejects.toMatchObject({
      code: "unavailable",
    });
    const { attempts: gone, leave } = attempts();
    leave.abort();
    await expect(deliver(server(Code.Unavailable).chat, outgoing(), gone)).rejects.toBeDefined();
  });

  it("knows what says the same", () => {
    const { what } = outgoing();
    expect(saysTheSame(what, { ...what })).toBe(true);
    expect(saysTheSame(what, { ...what, text: "ho" } as Outgoing["what"])).toBe(false);
    expect(saysTheSame(what, { ...what, parentId: "q" } as Outgoing["what"])).toBe(false);
  });
});

function shelf(): Shelf {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

describe("outbox", () => {
  it("gives back what was on its way, for its conversation, until it is recorded", () => {
    const store = shelf();
    const parameters = create(ParametersSchema, { temperature: 0.5, stop: ["x"] });
    const what = { ...outgoing().what, parameters, system: "s", model: "m" } as Outgoing["what"];
    const one = outgoing({ what });
    keepOutgoing(store, one, Date.now());
    keepOutgoing(
      store,
      outgoing({ requestId: "r2", what: { kind: "regenerate", conversationId: "d", messageId: "m" } }),
      Date.now(),
    );
    expect(outgoingOf(store, "c", Date.now())).toEqual([one]);
    expect(outgoingOf(store, "d", Date.now())[0]?.what).toMatchObject({ kind: "regenerate", messageId: "m" });
    expect(outgoingOf(store, "c", Date.now() + 80_000_000)).toEqual([]);
    forgetOutgoing(store, "r1");
    expect(outgoingOf(store, "c", Date.now())).toEqual([]);
  });

  it("keeps images, long texts and what failed, and says when there is no room", () => {
    const store = shelf();
    const images = [{ mediaType: "image/png", data: new Uint8Array([1, 0, 255]), name: "a" }];
    const what = { ...outgoing().what, images, text: "x".repeat(300_000) } as Outgoing["what"];
    expect(keepOutgoing(store, outgoing({ what }), Date.now())).toBe(true);
    expect(outgoingOf(store, "c", Date.now())).toEqual([outgoing({ what, since: expect.any(Number) })]);
    const why = failure("GENERATION_QUOTA", "resource_exhausted", "Too many.");
    keepOutgoing(store, outgoing({ phase: "failed", failure: why }), Date.now());
    const [failed] = outgoingOf(store, "c", Date.now() + 4_000_000);
    expect(failed).toMatchObject({ phase: "failed", failure: { reason: "GENERATION_QUOTA" } });
    const full = () => {
      throw new Error("full");
    };
    expect(keepOutgoing({ ...store, setItem: full }, outgoing({ what }), Date.now())).toBe(false);
  });

  it("gives up none for another that is on its way, and keeps no place for what is too old", () => {
    const store = shelf();
    const now = Date.now();
    for (let n = 0; n < 8; n++) {
      expect(keepOutgoing(store, outgoing({ requestId: `r${n}`, since: now }), now)).toBe(true);
    }
    expect(keepOutgoing(store, outgoing({ requestId: "late", since: now }), now)).toBe(false);
    expect(outgoingOf(store, "c", now)).toHaveLength(8);
    const later = now + 80_000_000;
    expect(keepOutgoing(store, outgoing({ requestId: "late", since: later }), later)).toBe(true);
    expect(outgoingOf(store, "c", later).map(({ requestId }) => requestId)).toEqual(["late"]);
  });

  it("survives nonsense", () => {
    const store = shelf();
    store.setItem("mosaic.outbox", '[1,{"what":2},{"requestId":"x","since":0,"what":{}}]');
    expect(outgoingOf(store, "c", Date.now())).toEqual([]);
    store.setItem("mosaic.outbox", "{nonsense");
    expect(outgoingOf(store, "c", Date.now())).toEqual([]);
  });
});

describe("watching", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const text = (sequence: number, value: string): MessageEvent =>
    create(MessageEventSchema, {
      messageId: "m",
      sequence: BigInt(sequence),
      event: { case: "textDelta", value: { text: value } },
    });

  function watched() {
    const readers = new Map<string, MessageReader>();
    const left: string[] = [];
    const seen: string[] = [];
    const ended: [string, string | undefined][] = [];
    const hub = {
      message: (id: string, after: bigint, reader: MessageReader) => {
        expect(after).toBe(0n);
        readers.set(id, reader);
        return () => void left.push(id);
      },
    };
    const watching = new Watching(hub, {
      changed: (answers: ReadonlyMap<string, Answer>) => void seen.push(answers.get("m")?.text ?? ""),
      finished: (id, message) => void ended.push([id, message?.content]),
      failed: () => undefined,
    });
    return { watching, readers, left, seen, ended };
  }

  it("tells once for many events, and all of it at the end", () => {
    const { watching, readers, seen, ended, left } = watched();
    watching.follow(new Set(["m"]));
    const reader = readers.get("m");
    reader?.event(text(1, "a"));
    reader?.event(text(2, "b"));
    expect(seen).toEqual([]);
    vi.advanceTimersByTime(300);
    expect(seen).toEqual(["ab"]);
    reader?.event(text(3, "c"));
    const stored = create(MessageSchema, { id: "m", content: "abc" });
    reader?.event(
      create(MessageEventSchema, {
        messageId: "m",
        sequence: 4n,
        event: { case: "completed", value: { message: stored } },
      }),
    );
    reader?.finished();
    expect(seen).toEqual(["ab", "abc"]);
    expect(ended).toEqual([["m", "abc"]]);
    expect(left).toEqual(["m"]);
  });

  it("leaves what is not followed any more", () => {
    const { watching, left } = watched();
    watching.follow(new Set(["m", "n"]));
    watching.follow(new Set(["n"]));
    expect(left).toEqual(["m"]);
    expect(watching.follows("n")).toBe(true);
    watching.close();
    expect(left).toEqual(["m", "n"]);
  });
});

describe("settings", () => {
  const empty = { model: "", system: "" };

  it("come back from the form as they were", () => {
    const parameters = create(ParametersSchema, {
      temperature: 0,
      maxOutputTokens: 100,
      thinkingTokens: 2048,
      topP: 0.5,
      stop: ["x"],
    });
    const settings = { model: "m", system: "s", parameters };
    expect(parseForm(formOf(settings), parameters).settings).toEqual(settings);
    expect(parseForm(formOf(empty), undefined).settings?.parameters?.temperature).toBeUndefined();
  });

  it.each([
    [{ temperature: "3" }, "temperature"],
    [{ temperature: "warm" }, "temperature"],
    [{ maxTokens: "0" }, "maxTokens"],
    [{ maxTokens: "1.5" }, "maxTokens"],
    [{ thinking: true, thinkingTokens: "10" }, "thinkingTokens"],
    [{ system: "ä".repeat(200_000) }, "system"],
  ])("%j is refused", (news, field) => {
    const { settings, errors } = parseForm({ ...formOf(empty), ...news }, undefined);
    expect(settings).toBeUndefined();
    expect(errors).toHaveProperty(field);
  });
});

describe("words", () => {
  it("are short", () => {
    expect([950, 1200, 32_000, 999_900, 1_500_000].map(count)).toEqual(["950", "1.2k", "32k", "1M", "1.5M"]);
    expect([320, 4100, 12_000, 125_000].map(duration)).toEqual(["320 ms", "4.1 s", "12 s", "2 min 5 s"]);
    expect(failureSentence("PROVIDER_FAILED", "out of memory")).toBe("The answer broke off: out of memory.");
    expect(endWords(create(MessageSchema, { state: 2, finishReason: "LENGTH" }))).toContain("Cut off");
    const times = { createTime: { seconds: 1n }, endTime: { seconds: 9n } };
    expect(tookMs(create(MessageSchema, { state: Message_State.COMPLETE, ...times }))).toBe(8000);
    expect(tookMs(create(MessageSchema, { state: Message_State.INTERRUPTED, ...times }))).toBeUndefined();
    expect(endWords(create(MessageSchema, { state: 3, stoppedBy: "ann" }))).toBe("Stopped by ann.");
  });
});
