// Conversations that are searched for, or were put away: asked of the server, page by page.
// It must not know how they are listed.

import { useCallback, useEffect, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Conversation } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { ConversationChanged_Kind } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useClients, useEvents } from "../workspace/hooks.tsx";

export interface Search {
  readonly found: readonly Conversation[];
  readonly busy: boolean;
  readonly failure?: Failure;
  readonly more: boolean;
  loadMore(): void;
  again(): void;
}

const PAUSE_MS = 250;
const PAGE = 50;
const FOUND_MAX = 1000;
const QUERY_MAX = 1000;

interface State {
  found: readonly Conversation[];
  token: string;
  busy: boolean;
  failure?: Failure;
}

/** Asks anew whenever the query rests; `undefined` asks nothing. */
export function useSearch(query: string | undefined, archived: boolean): Search {
  const { chat } = useClients();
  const [state, setState] = useState<State>({ found: [], token: "", busy: false });
  const [turn, setTurn] = useState(0);
  /** Ends when the query changes: the next page of another one is nobody's. */
  const asking = useRef(new AbortController());
  const ask = useCallback(
    async (pageToken: string, signal: AbortSignal) => {
      setState((old) => ({ ...old, busy: true, failure: undefined }));
      try {
        const asked = {
          query: query?.slice(0, QUERY_MAX),
          includeArchived: archived,
          pageSize: PAGE,
          pageToken,
        };
        const page = await chat.listConversations(asked, { signal });
        if (signal.aborted) {
          return;
        }
        const news = archived ? page.conversations.filter((one) => one.archived) : page.conversations;
        setState((old) => ({
          found: pageToken === "" ? news : [...old.found, ...news].slice(0, FOUND_MAX),
          token: page.nextPageToken,
          busy: false,
        }));
      } catch (error) {
        if (!signal.aborted) {
          setState((old) => ({ ...old, busy: false, failure: failureOf(error) }));
        }
      }
    },
    [chat, query, archived],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks once more
  useEffect(() => {
    if (query === undefined) {
      setState({ found: [], token: "", busy: false });
      return;
    }
    const leave = new AbortController();
    asking.current = leave;
    const timer = setTimeout(() => void ask("", leave.signal), query === "" ? 0 : PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leave.abort();
    };
  }, [ask, query, turn]);
  useEvents(({ payload }) => {
    if (payload.case === "conversation") {
      const { kind, conversation } = payload.value;
      setState((old) => ({ ...old, found: after(old.found, kind, conversation, archived) }));
    }
  });
  return {
    found: state.found,
    busy: state.busy,
    failure: state.failure,
    // After a failure somebody has to ask again: the list would ask as often as it is drawn.
    more: state.token !== "" && state.found.length < FOUND_MAX && !state.failure,
    loadMore: () => {
      if (!state.busy && state.token !== "") {
        void ask(state.token, asking.current.signal);
      }
    },
    again: () => setTurn((old) => old + 1),
  };
}

/** What was found, after a conversation has changed. */
function after(
  found: readonly Conversation[],
  kind: ConversationChanged_Kind,
  changed: Conversation | undefined,
  archived: boolean,
): readonly Conversation[] {
  if (!changed || !found.some(({ id }) => id === changed.id)) {
    return found;
  }
  return kind === ConversationChanged_Kind.DELETED || (archived && !changed.archived)
    ? found.filter(({ id }) => id !== changed.id)
    : found.map((one) => (one.id === changed.id ? changed : one));
}
