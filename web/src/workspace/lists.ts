// Lists the workspace: everything that is live, and the newest of the rest. It must not know what becomes of it.

import { smaller } from "../api/bigints.ts";
import type { Clients } from "../api/clients.ts";
import { failureOf } from "../api/failure.ts";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { byId, KEPT_MAX, type Known, NOTHING } from "./reduce.ts";

const CONVERSATIONS_FIRST = 200;

export interface Listed {
  known: Known;
  /** Watch events after this one. */
  after: bigint;
  /** Where the list of conversations goes on; empty: that was all. */
  nextConversations: string;
}

interface Page<T> {
  items: T[];
  sequence: bigint;
}

export async function listAll(clients: Clients, signal: AbortSignal): Promise<Listed> {
  const options = { signal };
  const page = { pageSize: KEPT_MAX };
  const [terminals, jobs, agents] = await Promise.all([
    clients.terminals
      .listTerminals(page, options)
      .then(({ terminals: items, sequence }) => ({ items, sequence })),
    orNothing(
      clients.agents.listJobs(page, options).then(({ jobs: items, sequence }) => ({ items, sequence })),
    ),
    orNothing(
      clients.agents.listAgents(page, options).then(({ agents: items, sequence }) => ({ items, sequence })),
    ),
  ]);
  // After the others: their sequences say from where events are watched, and this list has none.
  const conversations = await listConversations(clients, "", signal);
  const sequences = [terminals.sequence, jobs.sequence, agents.sequence].filter((sequence) => sequence > 0n);
  const known: Known = {
    ...NOTHING,
    terminals: byId(terminals.items),
    jobs: byId(jobs.items),
    agents: byId(agents.items),
    conversations: byId(conversations.items),
    listed: { terminals: terminals.sequence, jobs: jobs.sequence, agents: agents.sequence },
  };
  const after = sequences.reduce(smaller, terminals.sequence);
  return { known, after, nextConversations: conversations.next };
}

export async function listConversations(
  clients: Clients,
  pageToken: string,
  signal: AbortSignal,
): Promise<{ items: Conversation[]; next: string }> {
  const request = { pageSize: CONVERSATIONS_FIRST, pageToken };
  try {
    const answer = await clients.chat.listConversations(request, { signal });
    return { items: answer.conversations, next: answer.nextPageToken };
  } catch (error) {
    if (failureOf(error).reason === "TOKEN_LIMITED") {
      return { items: [], next: "" };
    }
    throw error;
  }
}

/** A token that is limited to one terminal sees nothing else; that is no failure of the page. */
async function orNothing<T>(page: Promise<Page<T>>): Promise<Page<T>> {
  try {
    return await page;
  } catch (error) {
    if (failureOf(error).reason === "TOKEN_LIMITED") {
      return { items: [], sequence: 0n };
    }
    throw error;
  }
}
