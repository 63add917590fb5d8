// The workspace after events: list, then watch, gives what the server has, whenever each list was made.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConversationSchema, Message_Role, MessageSchema } from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  type Agent,
  Agent_State,
  AgentSchema,
  type Job,
  Job_State,
  JobSchema,
} from "../src/api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import {
  type Terminal,
  Terminal_State,
  TerminalSchema,
} from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";
import {
  AgentChanged_Kind,
  ConversationChanged_Kind,
  type Event,
  EventSchema,
  JobChanged_Kind,
  MessageChanged_Kind,
  TerminalChanged_Kind,
} from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";
import {
  applyEvent,
  byId,
  FEED_MAX,
  isLiveAgent,
  isLiveJob,
  KEPT_MAX,
  type Known,
  listedConversations,
  NOTHING,
  prune,
  titled,
} from "../src/workspace/reduce.ts";

type Kind = "terminal" | "job" | "agent";

interface Truth {
  terminals: Map<string, Terminal>;
  jobs: Map<string, Job>;
  agents: Map<string, Agent>;
}

/** What the server writes: the thing after a change, or its end. */
interface Change {
  kind: Kind;
  id: number;
  state: number;
  deleted: boolean;
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom<Kind>("terminal", "job", "agent"),
  id: fc.nat(5),
  state: fc.integer({ min: 1, max: 4 }),
  deleted: fc.boolean(),
});

function eventOf(one: Change, sequence: bigint, truth: Truth): Event {
  const id = `id ${one.id}`;
  // Something that changes each time shows which event it is from.
  const name = `name ${sequence}`;
  if (one.kind === "terminal") {
    const terminal = create(TerminalSchema, { id, name, state: one.state });
    const kind = one.deleted ? TerminalChanged_Kind.DELETED : TerminalChanged_Kind.RENAMED;
    set(truth.terminals, id, terminal, one.deleted);
    return create(EventSchema, { sequence, payload: { case: "terminal", value: { kind, terminal } } });
  }
  if (one.kind === "job") {
    const job = create(JobSchema, { id, name, state: one.state });
    const kind = one.deleted ? JobChanged_Kind.DELETED : JobChanged_Kind.STARTED;
    set(truth.jobs, id, job, one.deleted);
    return create(EventSchema, { sequence, payload: { case: "job", value: { kind, job } } });
  }
  const agent = create(AgentSchema, { id, name, state: one.state });
  set(truth.agents, id, agent, false);
  const value = { kind: AgentChanged_Kind.STARTED, agent };
  return create(EventSchema, { sequence, payload: { case: "agent", value } });
}

function set<T>(items: Map<string, T>, id: string, item: T, deleted: boolean): void {
  if (deleted) {
    items.delete(id);
  } else {
    items.set(id, item);
  }
}

type Named = ReadonlyMap<string, { id: string; name: string }>;

function namesOf(of: { terminals: Named; jobs: Named; agents: Named }): Record<Kind, string[]> {
  const names = (items: Named) => [...items.values()].map(({ id, name }) => `${id}: ${name}`).sort();
  return { terminal: names(of.terminals), job: names(of.jobs), agent: names(of.agents) };
}

describe("the workspace", () => {
  it("is the server's, whenever each list was made and wherever the watch begins before", () => {
    const places = fc.record({ terminal: fc.nat(60), job: fc.nat(60), agent: fc.nat(60) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), places, (changes, listedAt) => {
        const truth: Truth = { terminals: new Map(), jobs: new Map(), agents: new Map() };
        const at = (kind: Kind) => Math.min(listedAt[kind], changes.length);
        const listed = {
          terminals: BigInt(at("terminal")),
          jobs: BigInt(at("job")),
          agents: BigInt(at("agent")),
        };
        let known: Known = { ...NOTHING, listed };
        /** What the server has had after each event. */
        const had: Record<Kind, string[]>[] = [];
        const events: Event[] = [];
        const look = (number: number) => {
          known = at("terminal") === number ? { ...known, terminals: new Map(truth.terminals) } : known;
          known = at("job") === number ? { ...known, jobs: new Map(truth.jobs) } : known;
          known = at("agent") === number ? { ...known, agents: new Map(truth.agents) } : known;
          had.push(namesOf(truth));
        };
        look(0);
        for (const [place, one] of changes.entries()) {
          events.push(eventOf(one, BigInt(place + 1), truth));
          look(place + 1);
        }
        const first = Math.min(at("terminal"), at("job"), at("agent"));
        for (const event of events.slice(first)) {
          known = applyEvent(known, event);
          const names = namesOf(known);
          for (const kind of ["terminal", "job", "agent"] as const) {
            // Never older than the list: what is shown does not go back in time.
            expect(names[kind]).toEqual(had[Math.max(Number(event.sequence), at(kind))]?.[kind]);
          }
        }
      }),
    );
  });

  it("keeps what is live and the newest of the rest", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 80 }), fc.nat(40), (lives, max) => {
        const items = new Map(
          lives.map((live, at) => [`id ${String(at).padStart(3, "0")}`, { id: `id ${at}`, live, at }]),
        );
        const kept = [...prune(items, max, ({ live }) => live).values()];
        const live = lives.filter(Boolean).length;
        expect(kept.filter((item) => item.live).length).toBe(live);
        expect(kept.length).toBe(Math.min(lives.length, Math.max(max, live)));
        const ended = kept.filter((item) => !item.live).map(({ at }) => at);
        const all = lives.flatMap((isLive, at) => (isLive ? [] : [at]));
        expect(ended).toEqual(all.slice(all.length - ended.length));
      }),
    );
  });

  it("bounds what it keeps", () => {
    let known = NOTHING;
    for (let at = 1; at <= KEPT_MAX + 50; at++) {
      const id = `id ${String(at).padStart(5, "0")}`;
      const terminal = create(TerminalSchema, { id, state: Terminal_State.EXITED });
      const value = { kind: TerminalChanged_Kind.EXITED, terminal };
      const event = create(EventSchema, {
        sequence: BigInt(at),
        payload: { case: "terminal", value },
      });
      known = applyEvent(known, event);
    }
    expect([known.terminals.size, known.feed.length]).toEqual([KEPT_MAX, FEED_MAX]);
    expect(known.feed[0]?.sequence).toBe(BigInt(KEPT_MAX + 50));
    expect(known.terminals.has("id 00001")).toBe(false);
  });

  it("keeps what only the live terminal knows", () => {
    const terminal = create(TerminalSchema, { id: "a", state: Terminal_State.RUNNING, outputEnd: 100n });
    let known: Known = { ...NOTHING, terminals: byId([terminal]) };
    known = titled(known, "a", "vim");
    const renamed = create(TerminalSchema, { id: "a", name: "b", state: Terminal_State.RUNNING });
    const value = { kind: TerminalChanged_Kind.RENAMED, terminal: renamed };
    known = applyEvent(known, create(EventSchema, { sequence: 1n, payload: { case: "terminal", value } }));
    expect(known.terminals.get("a")).toMatchObject({ name: "b", title: "vim", outputEnd: 100n });
  });

  it("takes the newer of two conversations, from wherever it came", () => {
    const old = create(ConversationSchema, { id: "c", title: "old", updateTime: { seconds: 1n } });
    const fresh = create(ConversationSchema, {
      id: "c",
      title: "new",
      updateTime: { seconds: 1n, nanos: 1 },
    });
    const value = { kind: ConversationChanged_Kind.UPDATED, conversation: fresh };
    const event = create(EventSchema, { sequence: 1n, payload: { case: "conversation", value } });
    const seen = applyEvent(NOTHING, event);
    expect(listedConversations(seen, [old]).conversations.get("c")?.title).toBe("new");
    expect(applyEvent(listedConversations(NOTHING, [old]), event).conversations.get("c")?.title).toBe("new");
  });

  it("moves a conversation's head to a new answer", () => {
    const conversation = create(ConversationSchema, {
      id: "c",
      headMessageId: "m1",
      updateTime: { seconds: 1n },
    });
    const message = create(MessageSchema, { id: "m3", conversationId: "c", role: Message_Role.ASSISTANT });
    const value = { kind: MessageChanged_Kind.CREATED, message };
    const time = { seconds: 2n, nanos: 0 };
    const event = create(EventSchema, { sequence: 1n, time, payload: { case: "message", value } });
    const known = applyEvent(listedConversations(NOTHING, [conversation]), event);
    expect(known.conversations.get("c")).toMatchObject({ headMessageId: "m3", updateTime: { seconds: 2n } });
  });

  it("knows what is live", () => {
    const jobs = [Job_State.QUEUED, Job_State.STOPPING, Job_State.SUCCEEDED, Job_State.LOST];
    expect(jobs.map((state) => isLiveJob(create(JobSchema, { state })))).toEqual([true, true, false, false]);
    const agents = [Agent_State.STARTING, Agent_State.UNREACHABLE, Agent_State.EXITED, Agent_State.LOST];
    expect(agents.map((state) => isLiveAgent(create(AgentSchema, { state })))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
