// What the workspace looks like after an event: pure functions over what is known of it.
//
// List, then watch: each list says to which event it belongs, and an event that is not newer changes nothing of
// it. It must not know where lists and events come from.

import { larger } from "../api/bigints.ts";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Message_Role } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import {
  type Agent,
  Agent_State,
  type Job,
  Job_State,
} from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { type Terminal, Terminal_State } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import {
  type AgentChanged,
  AgentChanged_Kind,
  type ConversationChanged,
  ConversationChanged_Kind,
  type Event,
  type JobChanged,
  JobChanged_Kind,
  type MessageChanged,
  MessageChanged_Kind,
  type TerminalChanged,
  TerminalChanged_Kind,
} from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { later } from "./time.ts";

export const KEPT_MAX = 500;
export const CONVERSATIONS_MAX = 5_000;
export const FEED_MAX = 300;

type ById<T> = ReadonlyMap<string, T>;

/** What is known of the workspace. */
export interface Known {
  terminals: ById<Terminal>;
  conversations: ById<Conversation>;
  jobs: ById<Job>;
  agents: ById<Agent>;
  /** Newest first. */
  feed: readonly Event[];
  /** The event that each list belongs to. */
  listed: { terminals: bigint; jobs: bigint; agents: bigint };
}

export const NOTHING: Known = {
  terminals: new Map(),
  conversations: new Map(),
  jobs: new Map(),
  agents: new Map(),
  feed: [],
  listed: { terminals: 0n, jobs: 0n, agents: 0n },
};

export function isLiveTerminal({ state }: Terminal): boolean {
  return state === Terminal_State.RUNNING || state === Terminal_State.STARTING;
}

export function isLiveJob({ state }: Job): boolean {
  return state >= Job_State.QUEUED && state <= Job_State.STOPPING;
}

export function isLiveAgent({ state }: Agent): boolean {
  return state !== Agent_State.EXITED && state !== Agent_State.LOST;
}

export function applyEvent(known: Known, event: Event): Known {
  const feed = [event, ...known.feed.slice(0, FEED_MAX - 1)];
  const { payload } = event;
  switch (payload.case) {
    case "terminal":
      return event.sequence <= known.listed.terminals
        ? { ...known, feed }
        : { ...known, feed, terminals: terminalChanged(known.terminals, payload.value) };
    case "job":
      return event.sequence <= known.listed.jobs
        ? { ...known, feed }
        : { ...known, feed, jobs: jobChanged(known.jobs, payload.value) };
    case "agent":
      return event.sequence <= known.listed.agents
        ? { ...known, feed }
        : { ...known, feed, agents: agentChanged(known.agents, payload.value) };
    case "conversation":
      return { ...known, feed, conversations: conversationChanged(known.conversations, payload.value) };
    case "message":
      return { ...known, feed, conversations: messageChanged(known.conversations, payload.value, event) };
    default:
      return { ...known, feed };
  }
}

/** Takes a title that a live terminal has set; events carry what was recorded last. */
export function titled(known: Known, id: string, title: string): Known {
  const terminal = known.terminals.get(id);
  if (!terminal || terminal.title === title) {
    return known;
  }
  return { ...known, terminals: new Map(known.terminals).set(id, { ...terminal, title }) };
}

/** Takes conversations of a list, which may be older than what an event has brought. */
export function listedConversations(known: Known, listed: readonly Conversation[]): Known {
  const conversations = new Map(known.conversations);
  for (const conversation of listed) {
    takeConversation(conversations, conversation);
  }
  return { ...known, conversations: pruneConversations(conversations) };
}

/** A map of a list. */
export function byId<T extends { id: string }>(items: readonly T[]): ById<T> {
  return new Map(items.map((item) => [item.id, item]));
}

/** At most so many; what is live is always kept, and of the rest the newest. */
export function prune<T extends { id: string }>(
  items: Map<string, T>,
  max: number,
  isLive: (item: T) => boolean,
): Map<string, T> {
  let surplus = items.size - max;
  if (surplus <= 0) {
    return items;
  }
  // Ids begin with the time at which they were made.
  for (const id of [...items.keys()].sort()) {
    const item = items.get(id);
    if (surplus > 0 && item && !isLive(item)) {
      items.delete(id);
      surplus -= 1;
    }
  }
  return items;
}

function without<T>(items: ById<T>, id: string): ById<T> {
  if (!items.has(id)) {
    return items;
  }
  const rest = new Map(items);
  rest.delete(id);
  return rest;
}

function terminalChanged(terminals: ById<Terminal>, { kind, terminal }: TerminalChanged): ById<Terminal> {
  if (!terminal) {
    return terminals;
  }
  if (kind === TerminalChanged_Kind.DELETED) {
    return without(terminals, terminal.id);
  }
  const before = terminals.get(terminal.id);
  const merged = before ? withLive(terminal, before) : terminal;
  return prune(new Map(terminals).set(terminal.id, merged), KEPT_MAX, isLiveTerminal);
}

/** An event does not know what only the live terminal knows: what was learned of it stays. */
function withLive(terminal: Terminal, before: Terminal): Terminal {
  return {
    ...terminal,
    title: before.title || terminal.title,
    outputStart: larger(before.outputStart, terminal.outputStart),
    outputEnd: larger(before.outputEnd, terminal.outputEnd),
    viewers: isLiveTerminal(terminal) ? before.viewers : 0,
  };
}

function jobChanged(jobs: ById<Job>, { kind, job }: JobChanged): ById<Job> {
  if (!job) {
    return jobs;
  }
  if (kind === JobChanged_Kind.DELETED) {
    return without(jobs, job.id);
  }
  return prune(new Map(jobs).set(job.id, job), KEPT_MAX, isLiveJob);
}

function agentChanged(agents: ById<Agent>, { kind, agent }: AgentChanged): ById<Agent> {
  if (!agent || kind === AgentChanged_Kind.UNSPECIFIED) {
    return agents;
  }
  const before = agents.get(agent.id);
  const merged = before && !agent.lastLine ? { ...agent, lastLine: before.lastLine } : agent;
  return prune(new Map(agents).set(agent.id, merged), KEPT_MAX, isLiveAgent);
}

function conversationChanged(
  conversations: ById<Conversation>,
  { kind, conversation }: ConversationChanged,
): ById<Conversation> {
  if (!conversation) {
    return conversations;
  }
  if (kind === ConversationChanged_Kind.DELETED) {
    return without(conversations, conversation.id);
  }
  // Events come in order: this one is newer than all before it, though the time of a message may be a little later.
  const known = conversations.get(conversation.id)?.updateTime;
  const updateTime = later(known, conversation.updateTime) ? known : conversation.updateTime;
  return pruneConversations(new Map(conversations).set(conversation.id, { ...conversation, updateTime }));
}

/** A list of conversations belongs to no event: the time of the last change decides. */
function takeConversation(conversations: Map<string, Conversation>, conversation: Conversation): void {
  const before = conversations.get(conversation.id);
  if (!before || !later(before.updateTime, conversation.updateTime)) {
    conversations.set(conversation.id, conversation);
  }
}

function messageChanged(
  conversations: ById<Conversation>,
  { kind, message }: MessageChanged,
  { time }: Event,
): ById<Conversation> {
  const before = message && conversations.get(message.conversationId);
  if (!before || later(before.updateTime, time)) {
    return conversations;
  }
  const isAnswer = message.role === Message_Role.ASSISTANT && kind === MessageChanged_Kind.CREATED;
  const headMessageId = isAnswer ? message.id : before.headMessageId;
  return new Map(conversations).set(before.id, { ...before, headMessageId, updateTime: time });
}

function pruneConversations(conversations: Map<string, Conversation>): Map<string, Conversation> {
  return prune(conversations, CONVERSATIONS_MAX, () => false);
}
