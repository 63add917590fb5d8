// The list of tokens, page by page, newest first. It must not know how it is shown.

import { useCallback, useEffect, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Token } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useClients } from "../workspace/hooks.tsx";

const PAGE = 200;
/** Nothing tells when a token is used: the list asks again. */
const FRESH_MS = 30_000;
const FRESH_MAX = 1000;

export interface Tokens {
  tokens: Token[];
  problem?: Failure;
  loading: boolean;
  /** There are older ones. */
  more: boolean;
  loadMore(): void;
  again(): void;
  /** Takes a token that was made or changed. */
  put(token: Token): void;
}

export function useTokens(): Tokens {
  const { workspace } = useClients();
  const [tokens, setTokens] = useState<Token[]>([]);
  const [next, setNext] = useState("");
  const [loading, setLoading] = useState(true);
  const [problem, setProblem] = useState<Failure>();
  const leaving = useRef(new AbortController());
  const count = useRef(0);
  useEffect(() => {
    count.current = tokens.length;
  });

  const load = useCallback(
    async (pageToken: string) => {
      const { signal } = leaving.current;
      setLoading(true);
      setProblem(undefined);
      try {
        const answer = await workspace.listTokens({ pageSize: PAGE, pageToken }, { signal });
        setTokens((before) => (pageToken === "" ? answer.tokens : [...before, ...answer.tokens]));
        setNext(answer.nextPageToken);
      } catch (error) {
        if (signal.aborted) return;
        setProblem(failureOf(error));
      }
      setLoading(false);
    },
    [workspace],
  );

  useEffect(() => {
    leaving.current = new AbortController();
    void load("");
    return () => leaving.current.abort();
  }, [load]);

  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") void freshen();
    };
    const freshen = async () => {
      const { signal } = leaving.current;
      const pageSize = Math.min(Math.max(PAGE, count.current), FRESH_MAX);
      try {
        const { tokens } = await workspace.listTokens({ pageSize }, { signal });
        setTokens((before) => freshened(before, tokens));
      } catch {
        // What is shown stays, and the page says itself that the server is away.
      }
    };
    const timer = setInterval(look, FRESH_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [workspace]);

  const put = useCallback((token: Token) => {
    setTokens((before) =>
      before.some(({ id }) => id === token.id)
        ? before.map((each) => (each.id === token.id ? token : each))
        : [token, ...before],
    );
  }, []);

  return {
    tokens,
    problem,
    loading,
    more: next !== "",
    loadMore: () => void load(next),
    again: () => void load(tokens.length > 0 ? next : ""),
    put,
  };
}

/** The list with what has changed since, and with those that others made. */
export function freshened(before: readonly Token[], fresh: readonly Token[]): Token[] {
  const now = new Map(fresh.map((token) => [token.id, token]));
  // An answer may be older than what was revoked meanwhile.
  const kept = before.map((token) => (token.revokeTime ? token : (now.get(token.id) ?? token)));
  const known = new Set(before.map(({ id }) => id));
  return [...fresh.filter(({ id }) => !known.has(id)), ...kept];
}
