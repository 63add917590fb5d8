// Checks that every event has words, that notices are about ends and questions only, and the story of a job.

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { type EventWords, eventWords, filterFeed } from "../src/agents/events.ts";
import { FEED_MAX, joined } from "../src/agents/feed.ts";
import { noticeOf, OwnEnds } from "../src/agents/notice.ts";
import { storyOf } from "../src/agents/story.ts";
import { Message_Role, Message_State } from "../src/api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  Agent_State,
  AgentSchema,
  Job_State,
  JobSchema,
} from "../src/api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { Exit_Reason } from "../src/api/gen/mosaic/terminal/v1/terminal_pb.ts";
import {
  AgentChanged_Kind,
  ConversationChanged_Kind,
  type Event,
  EventSchema,
  JobChanged_Kind,
  MessageChanged_Kind,
  TerminalChanged_Kind,
} from "../src/api/gen/mosaic/workspace/v1/workspace_pb.ts";

let sequence = 0n;

function event(payload: Parameters<typeof create<typeof EventSchema>>[1], who = "ana"): Event {
  sequence += 1n;
  const made = create(EventSchema, payload);
  made.sequence = sequence;
  made.time = timestampFromMs(Number(sequence) * 1000);
  made.principal = { $typeName: "mosaic.workspace.v1.Principal", tokenId: "", name: who };
  return made;
}

const jobEvent = (kind: JobChanged_Kind, job: object = {}, who?: string) =>
  event(
    {
      payload: {
        case: "job",
        value: { kind, job: { id: "j", name: "tests", agentId: "a", attemptsMax: 1, ...job } },
      },
    },
    who,
  );
const agentEvent = (kind: AgentChanged_Kind, agent: object = {}, who?: string) =>
  event(
    { payload: { case: "agent", value: { kind, agent: { id: "a", jobId: "j", name: "tests", ...agent } } } },
    who,
  );

const sentence = (words: EventWords | undefined) =>
  words && `${words.before}${words.subject.name}${words.after}`;

function kinds(of: object): number[] {
  return Object.values(of).filter((value) => typeof value === "number" && value > 0);
}

describe("events", () => {
  it("all have words, which are sentences without double spaces", () => {
    const all: Event[] = [];
    for (const who of ["ana", "system"]) {
      all.push(...kinds(JobChanged_Kind).map((kind) => jobEvent(kind, {}, who)));
      all.push(...kinds(AgentChanged_Kind).map((kind) => agentEvent(kind, {}, who)));
      const terminal = { id: "t", name: "sh-1" };
      const conversation = { id: "c", title: "Plans" };
      for (const kind of kinds(TerminalChanged_Kind)) {
        all.push(event({ payload: { case: "terminal", value: { kind, terminal } } }, who));
      }
      for (const kind of kinds(ConversationChanged_Kind)) {
        all.push(event({ payload: { case: "conversation", value: { kind, conversation } } }, who));
      }
      for (const kind of kinds(MessageChanged_Kind)) {
        for (const role of kinds(Message_Role)) {
          for (const state of kinds(Message_State)) {
            all.push(
              event(
                {
                  payload: {
                    case: "message",
                    value: { kind, message: { conversationId: "c", role, state } },
                  },
                },
                who,
              ),
            );
          }
        }
      }
    }
    for (const one of all) {
      const text = sentence(eventWords(one));
      expect(text).toBeDefined();
      expect(text).not.toMatch(/ {2}|^ | $|undefined/);
    }
  });

  it("say who did what", () => {
    expect(sentence(eventWords(jobEvent(JobChanged_Kind.CREATED)))).toBe("ana spawned tests");
    expect(sentence(eventWords(jobEvent(JobChanged_Kind.STARTED, { attempts: 2, attemptsMax: 3 })))).toBe(
      "tests starts attempt 2 of 3",
    );
    expect(sentence(eventWords(jobEvent(JobChanged_Kind.STOPPING)))).toBe("ana ends tests");
    expect(sentence(eventWords(jobEvent(JobChanged_Kind.STOPPING, {}, "system")))).toBe(
      "tests is being ended",
    );
    expect(sentence(eventWords(jobEvent(JobChanged_Kind.ENDED, { state: Job_State.CANCELLED })))).toBe(
      "ana cancelled tests",
    );
    expect(sentence(eventWords(jobEvent(JobChanged_Kind.ENDED, { state: Job_State.FAILED }, "system")))).toBe(
      "tests failed",
    );
    const exit = { reason: Exit_Reason.EXITED, code: 3 };
    expect(sentence(eventWords(agentEvent(AgentChanged_Kind.EXITED, { exit })))).toBe(
      "The program of tests exited with 3",
    );
  });

  it("of a kind that is not known are left out", () => {
    expect(eventWords(event({}))).toBeUndefined();
    expect(eventWords(jobEvent(99 as JobChanged_Kind))).toBeUndefined();
    expect(eventWords(event({ payload: { case: "job", value: {} } }))).toBeUndefined();
  });

  it("are filtered, and said once", () => {
    const terminal = (id: string) =>
      event({
        payload: { case: "terminal", value: { kind: TerminalChanged_Kind.CREATED, terminal: { id } } },
      });
    const ofAgents = new Set(["t-agent"]);
    const feed = [
      jobEvent(JobChanged_Kind.STARTED),
      agentEvent(AgentChanged_Kind.STARTED),
      agentEvent(AgentChanged_Kind.EXITED, { receipt: { survivors: [{ pid: 5 }] } }),
      agentEvent(AgentChanged_Kind.EXITED),
      terminal("t"),
      event({
        payload: {
          case: "conversation",
          value: { kind: ConversationChanged_Kind.CREATED, conversation: {} },
        },
      }),
      terminal("t-agent"),
    ];
    expect(filterFeed(feed, "all", ofAgents)).toHaveLength(4);
    expect(filterFeed(feed, "agents", ofAgents)).toEqual([feed[0], feed[2]]);
    expect(filterFeed(feed, "terminals", ofAgents)).toEqual([feed[4], feed[6]]);
    expect(filterFeed(feed, "chat", ofAgents)).toEqual([feed[5]]);
  });
});

describe("a feed and what was before it", () => {
  it("are one, each event once, newest first, and bounded", () => {
    const of = (from: number, to: number) =>
      Array.from({ length: from - to + 1 }, (_, at) => create(EventSchema, { sequence: BigInt(from - at) }));
    const sequences = (events: readonly Event[]) => events.map((one) => Number(one.sequence));
    expect(sequences(joined(of(9, 7), of(8, 5)))).toEqual([9, 8, 7, 6, 5]);
    expect(sequences(joined([], of(3, 1)))).toEqual([3, 2, 1]);
    expect(sequences(joined(of(3, 1), []))).toEqual([3, 2, 1]);
    expect(joined(of(500, 300), of(299, 1))).toHaveLength(FEED_MAX);
  });
});

describe("notices", () => {
  it("are about questions and ends", () => {
    expect(noticeOf(jobEvent(JobChanged_Kind.INPUT_REQUIRED, { question: "Continue? " }))).toMatchObject({
      title: "tests needs input",
      text: "Continue? ",
      agentId: "a",
    });
    expect(
      noticeOf(jobEvent(JobChanged_Kind.ENDED, { state: Job_State.SUCCEEDED, prompt: "make" }))?.title,
    ).toBe("tests succeeded");
    for (const state of kinds(Job_State).filter((state) => state >= Job_State.SUCCEEDED)) {
      expect(noticeOf(jobEvent(JobChanged_Kind.ENDED, { state, message: "m" }))).toBeDefined();
    }
  });

  it("are not about steps in between, agents without end, or jobs that never ran", () => {
    const quiet = [
      JobChanged_Kind.CREATED,
      JobChanged_Kind.STARTED,
      JobChanged_Kind.BACKED_OFF,
      JobChanged_Kind.STOPPING,
    ];
    for (const kind of quiet) {
      expect(noticeOf(jobEvent(kind))).toBeUndefined();
    }
    expect(noticeOf(agentEvent(AgentChanged_Kind.EXITED))).toBeUndefined();
    expect(noticeOf(jobEvent(JobChanged_Kind.ENDED, { agentId: "" }))).toBeUndefined();
  });

  it("are not about what oneself has ended, and about what others have", () => {
    const stop = (tokenId: string) => {
      const made = jobEvent(JobChanged_Kind.STOPPING);
      made.principal = { $typeName: "mosaic.workspace.v1.Principal", tokenId, name: "ana" };
      return made;
    };
    const end = () => jobEvent(JobChanged_Kind.ENDED, { state: Job_State.CANCELLED });
    const ends = new OwnEnds();
    expect(ends.take(stop("mine"), "mine")).toBe(false);
    expect(ends.take(end(), "mine")).toBe(true);
    expect(ends.take(end(), "mine")).toBe(false);
    ends.take(stop("hers"), "mine");
    expect(ends.take(end(), "mine")).toBe(false);
    // Between two attempts nothing has to be ended first.
    const cancelled = (tokenId: string) => {
      const made = end();
      made.principal = { $typeName: "mosaic.workspace.v1.Principal", tokenId, name: "ana" };
      return made;
    };
    expect(ends.take(cancelled("mine"), "mine")).toBe(true);
    expect(ends.take(cancelled("hers"), "mine")).toBe(false);
  });

  it("are short", () => {
    expect(
      noticeOf(jobEvent(JobChanged_Kind.INPUT_REQUIRED, { question: "x".repeat(1000) }))?.text.length,
    ).toBe(160);
  });
});

describe("a story", () => {
  const at = (second: number) => timestampFromMs(second * 1000);
  const job = create(JobSchema, {
    id: "j",
    name: "tests",
    state: Job_State.FAILED,
    message: "it exited with 3",
    creator: "ana",
    createTime: at(1),
    endTime: at(9000),
    attemptsMax: 2,
  });
  const attempts = [1, 2].map((attempt) =>
    create(AgentSchema, {
      id: `a${attempt}`,
      jobId: "j",
      attempt,
      state: Agent_State.EXITED,
      startTime: at(1000 * attempt),
      endTime: at(1000 * attempt + 500),
      exit: { reason: Exit_Reason.EXITED, code: 3 },
    }),
  );

  it("is told without events", () => {
    expect(storyOf(job, attempts, []).map((step) => step.text)).toEqual([
      "Spawned by ana",
      "Attempt 1 began to run",
      "Attempt 1 exited with 3",
      "Attempt 2 began to run",
      "Attempt 2 exited with 3",
      "Failed",
    ]);
  });

  it("takes questions and retries from events of this job, in time's order", () => {
    const feed = [
      jobEvent(JobChanged_Kind.BACKED_OFF, { message: "it exited with 3" }, "system"),
      jobEvent(JobChanged_Kind.INPUT_REQUIRED, { question: "Sure?" }, "system"),
      jobEvent(JobChanged_Kind.INPUT_REQUIRED, { id: "other" }),
      agentEvent(AgentChanged_Kind.UNREACHABLE),
    ];
    const story = storyOf(job, attempts, feed);
    expect(story).toHaveLength(9);
    expect(story.map((step) => step.time)).toEqual(story.map((step) => step.time).sort((a, b) => a - b));
    expect(story.map((step) => step.detail)).toContain("Sure?");
  });
});
