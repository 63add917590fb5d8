// The list of tokens, page by page, newest first. It must not know how it is shown.

import { useCallback, useEffect, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Token } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useClients } from "../workspace/hooks.tsx";

const PAGE = 200;

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
