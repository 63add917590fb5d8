// What happened in a workspace, as plain sentences: who did what to which thing. It must not know how they are drawn.

import { Message_Role, Message_State } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Job_State } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import type { MessageChanged } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import {
  type AgentChanged,
  AgentChanged_Kind,
  type ConversationChanged,
  ConversationChanged_Kind,
  type Event,
  type JobChanged,
  JobChanged_Kind,
  MessageChanged_Kind,
  type TerminalChanged,
  TerminalChanged_Kind,
} from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { whoWords } from "../layout/people.ts";
import {
  capital,
  endWords,
  exitWords,
  firstLine,
  type IconName,
  jobVerb,
  jobWords,
  type Tone,
} from "./words.ts";

export type SubjectKind = "agent" | "terminal" | "conversation" | "job";

export interface EventWords {
  icon: IconName;
  tone: Tone;
  /** Around the thing's name: "ana spawned " + name + "". */
  before: string;
  /** The thing; its name is a link where it still exists. */
  subject: { kind: SubjectKind; id: string; name: string; gone: boolean };
  after: string;
  /** A second line: a prompt, a question, a reason. */
  detail: string;
}

type Said = Omit<EventWords, "subject">;

function said(icon: IconName, tone: Tone, before: string, after: string, detail = ""): Said {
  return { icon, tone, before, after, detail };
}

/** The words for an event; undefined for one that this page does not know. */
export function eventWords(event: Event): EventWords | undefined {
  // It begins the sentence; a token's name stays as it is.
  const who = whoWords(event.principal?.name ?? "").replace(/^a browser/, "A browser") || "system";
  switch (event.payload.case) {
    case "job":
      return jobEvent(event.payload.value, who);
    case "agent":
      return agentEvent(event.payload.value, who);
    case "terminal":
      return terminalEvent(event.payload.value, who);
    case "conversation":
      return conversationEvent(event.payload.value, who);
    case "message":
      return messageEvent(event.payload.value, who);
    default:
      return undefined;
  }
}

/** Whose doing it was, where it was somebody's: the server's own steps need no name. */
function by(who: string, verb: string, passive: string): { before: string; after: string } {
  return who === "system" ? { before: "", after: ` ${passive}` } : { before: `${who} ${verb} `, after: "" };
}

function jobEvent(changed: JobChanged, who: string): EventWords | undefined {
  const job = changed.job;
  if (!job) {
    return undefined;
  }
  const gone = changed.kind === JobChanged_Kind.DELETED;
  const subject = { kind: "job" as const, id: job.id, name: job.name, gone };
  const prompt = firstLine(job.prompt);
  const attempt = job.attemptsMax > 1 ? ` attempt ${job.attempts} of ${job.attemptsMax}` : "";
  switch (changed.kind) {
    case JobChanged_Kind.CREATED:
      return { subject, ...said("waiting", "neutral", `${who} spawned `, "", prompt) };
    case JobChanged_Kind.STARTED:
      return { subject, ...said("running", "accent", "", attempt ? ` starts${attempt}` : " starts") };
    case JobChanged_Kind.INPUT_REQUIRED:
      return { subject, ...said("asks", "warn", "", " needs input", job.question) };
    case JobChanged_Kind.RESUMED:
      return { subject, ...said("running", "accent", "", " goes on") };
    case JobChanged_Kind.STOPPING: {
      const { before, after } = by(who, "ends", "is being ended");
      return { subject, ...said("stopping", "warn", before, after) };
    }
    case JobChanged_Kind.BACKED_OFF:
      return {
        subject,
        ...said(
          "again",
          "warn",
          "",
          `${attempt || " an attempt"} failed and will be retried`,
          capital(job.message),
        ),
      };
    case JobChanged_Kind.REQUEUED: {
      const { before, after } = by(who, "queued", "is queued");
      return { subject, ...said("again", "neutral", before, `${after} again`) };
    }
    case JobChanged_Kind.ENDED: {
      const words = jobWords(job.state);
      if (job.state === Job_State.CANCELLED && who !== "system") {
        return { subject, ...said(words.icon, words.tone, `${who} cancelled `, "", endWords(job)) };
      }
      const detail = job.state === Job_State.SUCCEEDED ? "" : endWords(job);
      return { subject, ...said(words.icon, words.tone, "", ` ${jobVerb(job.state)}`, detail) };
    }
    case JobChanged_Kind.DELETED:
      return { subject, ...said("other", "neutral", "", " was forgotten") };
    default:
      return undefined;
  }
}

function agentEvent(changed: AgentChanged, who: string): EventWords | undefined {
  const agent = changed.agent;
  if (!agent) {
    return undefined;
  }
  const subject = { kind: "agent" as const, id: agent.id, name: agent.name, gone: false };
  switch (changed.kind) {
    case AgentChanged_Kind.CREATED:
      return { subject, ...said("starting", "accent", "An agent of ", " is about to start") };
    case AgentChanged_Kind.STARTED:
      return {
        subject,
        ...said("running", "accent", "The program of ", " runs", agent.pid ? `Process ${agent.pid}` : ""),
      };
    case AgentChanged_Kind.INPUT_REQUIRED:
      return { subject, ...said("asks", "warn", "The program of ", " asks something") };
    case AgentChanged_Kind.RESUMED:
      return { subject, ...said("running", "accent", "The program of ", " goes on") };
    case AgentChanged_Kind.STOPPING: {
      const { before, after } = by(who, "ends the agent", "is being ended");
      return { subject, ...said("stopping", "warn", before, after) };
    }
    case AgentChanged_Kind.EXITED: {
      const how = agent.exit ? exitWords(agent.exit) : "ended";
      const reason = agent.receipt?.reason ? `Reason: ${agent.receipt.reason}` : "";
      const left = agent.receipt?.survivors.length ? "Processes may be left. " : "";
      const tone = agent.exit?.code === 0 ? "good" : agent.exit?.code === undefined ? "neutral" : "bad";
      return { subject, ...said("other", tone, "The program of ", ` ${how}`, `${left}${reason}`) };
    }
    case AgentChanged_Kind.UNREACHABLE:
      return {
        subject,
        ...said("unreachable", "warn", "The server that holds ", " does not answer", "It may come back."),
      };
    case AgentChanged_Kind.RETURNED:
      return { subject, ...said("running", "accent", "The server that holds ", " is back") };
    case AgentChanged_Kind.LOST:
      return { subject, ...said("lost", "bad", "", " is lost", "Nobody knows what became of it.") };
    default:
      return undefined;
  }
}

function terminalEvent(changed: TerminalChanged, who: string): EventWords | undefined {
  const terminal = changed.terminal;
  if (!terminal) {
    return undefined;
  }
  const gone = changed.kind === TerminalChanged_Kind.DELETED;
  const subject = { kind: "terminal" as const, id: terminal.id, name: terminal.name, gone };
  switch (changed.kind) {
    case TerminalChanged_Kind.CREATED: {
      const { before, after } = by(who, "opened the terminal", "is opened");
      return { subject, ...said("terminal", "neutral", before, after) };
    }
    case TerminalChanged_Kind.STARTED:
      return { subject, ...said("terminal", "neutral", "The terminal ", " runs") };
    case TerminalChanged_Kind.RENAMED: {
      const { before, after } = by(who, "renamed a terminal to", "has a new name");
      return { subject, ...said("terminal", "neutral", before, after) };
    }
    case TerminalChanged_Kind.EXITED:
      return {
        subject,
        ...said(
          "terminal",
          "neutral",
          "The terminal ",
          ` ${terminal.exit ? exitWords(terminal.exit) : "ended"}`,
        ),
      };
    case TerminalChanged_Kind.LOST:
      return {
        subject,
        ...said("lost", "bad", "The terminal ", " is lost", "Its log holds what it printed."),
      };
    case TerminalChanged_Kind.DELETED: {
      const { before, after } = by(who, "deleted the terminal", "was forgotten");
      return { subject, ...said("terminal", "neutral", before, after) };
    }
    default:
      return undefined;
  }
}

function conversationEvent(changed: ConversationChanged, who: string): EventWords | undefined {
  const conversation = changed.conversation;
  if (!conversation) {
    return undefined;
  }
  const gone = changed.kind === ConversationChanged_Kind.DELETED;
  const name = conversation.title || "Untitled conversation";
  const subject = { kind: "conversation" as const, id: conversation.id, name, gone };
  switch (changed.kind) {
    case ConversationChanged_Kind.CREATED:
      return { subject, ...said("chat", "neutral", `${who} began `, "") };
    case ConversationChanged_Kind.UPDATED:
      return {
        subject,
        ...said(
          "chat",
          "neutral",
          who === "system" ? "" : `${who} changed `,
          who === "system" ? " changed" : "",
        ),
      };
    case ConversationChanged_Kind.DELETED:
      return { subject, ...said("chat", "neutral", `${who} deleted `, "") };
    default:
      return undefined;
  }
}

function messageEvent(changed: MessageChanged, who: string): EventWords | undefined {
  const message = changed.message;
  if (!message) {
    return undefined;
  }
  const person = message.role === Message_Role.USER;
  const subject = {
    kind: "conversation" as const,
    id: message.conversationId,
    name: person ? "message" : "answer",
    gone: false,
  };
  if (changed.kind === MessageChanged_Kind.CREATED) {
    return person
      ? { subject, ...said("chat", "neutral", `${who} sent a `, "", firstLine(message.content)) }
      : { subject, ...said("chat", "accent", "An ", ` by ${message.model || "a model"} begins`) };
  }
  if (changed.kind !== MessageChanged_Kind.FINISHED) {
    return undefined;
  }
  const model = message.answeredBy || message.model;
  const from = model ? ` by ${model}` : "";
  switch (message.state) {
    case Message_State.COMPLETE:
      return { subject, ...said("chat", "good", "An ", `${from} is finished`, firstLine(message.content)) };
    case Message_State.STOPPED:
      return { subject, ...said("chat", "neutral", "An ", `${from} was stopped`) };
    case Message_State.FAILED:
      return { subject, ...said("failed", "bad", "An ", `${from} failed`, message.error?.message ?? "") };
    case Message_State.INTERRUPTED:
      return {
        subject,
        ...said("failed", "bad", "An ", `${from} was interrupted`, "The server was killed meanwhile."),
      };
    default:
      return { subject, ...said("chat", "neutral", "An ", `${from} ended`) };
  }
}

const ECHOES: ReadonlySet<AgentChanged_Kind> = new Set([
  AgentChanged_Kind.CREATED,
  AgentChanged_Kind.STARTED,
  AgentChanged_Kind.INPUT_REQUIRED,
  AgentChanged_Kind.RESUMED,
  AgentChanged_Kind.STOPPING,
  AgentChanged_Kind.EXITED,
]);

/** True for what an event of the job tells as well: a feed that shows both says all twice. */
function isEcho(event: Event, ofAgents: ReadonlySet<string>): boolean {
  switch (event.payload.case) {
    case "agent": {
      const { kind, agent } = event.payload.value;
      // What may be left of it, only the agent's own event tells.
      return ECHOES.has(kind) && !agent?.receipt?.survivors.length;
    }
    case "terminal":
      return ofAgents.has(event.payload.value.terminal?.id ?? "");
    default:
      return false;
  }
}

export type FeedFilter = "all" | "agents" | "terminals" | "chat";

/** `ofAgents`: ids of the terminals that are agents'. */
export function filterFeed(
  feed: readonly Event[],
  filter: FeedFilter,
  ofAgents: ReadonlySet<string>,
): Event[] {
  return feed.filter((event) => {
    const of = event.payload.case;
    switch (filter) {
      case "agents":
        return (of === "job" || of === "agent") && !isEcho(event, ofAgents);
      case "terminals":
        return of === "terminal";
      case "chat":
        return of === "conversation" || of === "message";
      default:
        return of !== undefined && !isEcho(event, ofAgents);
    }
  });
}
