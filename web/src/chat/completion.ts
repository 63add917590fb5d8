// What could follow the text at the cursor: commands from the server, names of agents and terminals from the page.
// It must not know how they are offered.

import { useEffect, useMemo, useState } from "react";
import { useClients, useWorkspace } from "../workspace/hooks.tsx";
import { isLiveAgent, isLiveTerminal } from "../workspace/reduce.ts";
import { matching, mentionAt, type Named } from "./mentions.ts";
import { indexOfByte } from "./offsets.ts";
import { isCommand } from "./slash.ts";

export interface Suggestion {
  readonly key: string;
  /** What stands from here to the cursor is replaced. */
  readonly from: number;
  readonly text: string;
  readonly detail: string;
}

export interface Suggestions {
  readonly items: readonly Suggestion[];
  /** Enter takes the first one without a step to it. */
  readonly eager: boolean;
}

const NONE: Suggestions = { items: [], eager: false };
/** Nobody completes what is longer. */
const PREFIX_MAX = 4096;
const PAUSE_MS = 60;

export function useSuggestions(text: string, cursor: number): Suggestions {
  const commands = useCommands(isCommand(text) && cursor <= PREFIX_MAX ? text.slice(0, cursor) : "");
  const names = useNames(text, cursor);
  return names.items.length > 0 ? names : commands;
}

/** The newest question wins: an older answer never replaces a newer one. */
function useCommands(prefix: string): Suggestions {
  const { chat } = useClients();
  const [found, setFound] = useState<Found>();
  useEffect(() => {
    if (prefix === "") {
      return;
    }
    const leave = new AbortController();
    const timer = setTimeout(() => {
      chat.listCommands({ prefix }, { signal: leave.signal }).then(
        ({ completions }) => {
          const items = completions.map(({ replaceFrom, text, detail }) => {
            const from = indexOfByte(prefix, replaceFrom);
            return { key: `${from} ${text}`, from, text, detail };
          });
          setFound({ prefix, suggestions: { items, eager: isEager(items, prefix) } });
        },
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leave.abort();
    };
  }, [chat, prefix]);
  return useMemo(() => (prefix === "" || !found ? NONE : stillFitting(found, prefix)), [found, prefix]);
}

interface Found {
  readonly prefix: string;
  readonly suggestions: Suggestions;
}

/** What was found for a shorter text stays until the next answer, as far as it fits. */
function stillFitting({ prefix: asked, suggestions }: Found, prefix: string): Suggestions {
  if (asked === prefix) {
    return suggestions;
  }
  if (!prefix.startsWith(asked)) {
    return NONE;
  }
  const items = suggestions.items.filter(({ from, text }) => text.startsWith(prefix.slice(from)));
  return { items, eager: isEager(items, prefix) };
}

/** The beginning of a command's name is meant to be completed; a whole name is sent, and what may follow it is no must. */
function isEager(items: readonly Suggestion[], prefix: string): boolean {
  return !/\s/.test(prefix) && items.every((item) => item.text.trim() !== prefix);
}

function useNames(text: string, cursor: number): Suggestions {
  const mention = mentionAt(text, cursor);
  const typed = mention?.typed;
  const from = mention?.from ?? 0;
  const agents = useWorkspace((state) => state.agents);
  const terminals = useWorkspace((state) => state.terminals);
  return useMemo(() => {
    if (typed === undefined) {
      return NONE;
    }
    const named: Named[] = [];
    const agentsOwn = new Set<string>();
    for (const agent of agents.values()) {
      agentsOwn.add(agent.terminalId);
      if (isLiveAgent(agent)) {
        named.push({ name: agent.name, kind: "agent", detail: "agent" });
      }
    }
    for (const terminal of terminals.values()) {
      if (isLiveTerminal(terminal) && !agentsOwn.has(terminal.id)) {
        named.push({ name: terminal.name, kind: "terminal", detail: terminal.title || "terminal" });
      }
    }
    const items = matching(named, typed).map(({ name, kind, detail }) => ({
      key: `${kind} ${name}`,
      from,
      text: `${name} `,
      detail,
    }));
    return { items, eager: true };
  }, [typed, from, agents, terminals]);
}
