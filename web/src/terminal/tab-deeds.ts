// What people do with tabs: steps of `tabs.ts` together with calls to the server.
//
// It must not know how tabs look.

import { useMemo } from "react";
import type { Failure } from "../api/failure.ts";
import type { Terminal } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { toast } from "../ui/index.ts";
import { useClients, useRole, useWorkspace } from "../workspace/hooks.tsx";
import { isFailure, type NewTerminal, tellNotCreated, useTerminalActions } from "./actions.ts";
import { usePool } from "./hooks.ts";
import { changeTabs, currentTabs } from "./tab-store.ts";
import * as steps from "./tabs.ts";

export interface TabDeeds {
  /** A new terminal in a new tab; undefined, or why there is none. */
  start(what: NewTerminal): Promise<Failure | undefined>;
  /** A new shell in a new tab. */
  create(): Promise<void>;
  /** A new shell beside the focused pane. */
  split(): Promise<void>;
  /** Shows a terminal that exists, in a tab or beside the focused pane. */
  open(terminalId: string, beside?: boolean): void;
  /** Ends what runs in it, after asking, and takes it out of its tab; an agent's is only taken out. */
  close(terminalId: string): Promise<void>;
  /** Takes it out of its tab; it runs on. */
  hide(terminalId: string): void;
  rename(terminalId: string, name: string): Promise<boolean>;
  restarted(terminalId: string, by: string): void;
  step(change: (tabs: steps.Tabs) => steps.Tabs): void;
}

/** Puts what was made into a tab; answers why nothing was made. */
function show(made: Terminal | Failure, how: typeof steps.open): Failure | undefined {
  if (isFailure(made)) {
    return made;
  }
  changeTabs((tabs) => how(tabs, made.id));
  return undefined;
}

export function useTabDeeds(): TabDeeds {
  const actions = useTerminalActions();
  const clients = useClients();
  const pool = usePool();
  const mayWrite = useRole() !== Role.VIEWER;
  const terminals = useWorkspace((state) => state.terminals);
  const agents = useWorkspace((state) => state.agents);
  return useMemo(() => {
    const find = async (terminalId: string): Promise<Terminal | undefined> => {
      const known = terminals.get(terminalId);
      return known ?? (await clients.terminals.getTerminal({ terminalId }).catch(() => undefined))?.terminal;
    };
    const hide = (terminalId: string) => {
      changeTabs((tabs) => steps.remove(tabs, terminalId));
      pool.drop(terminalId);
    };
    const room = () => {
      if (steps.count(currentTabs()) < steps.TABS_MAX) {
        return true;
      }
      toast({
        title: "No room for another tab",
        text: `${steps.TABS_MAX} terminals are in tabs. Close one first.`,
        tone: "bad",
      });
      return false;
    };
    const isAgents = (terminalId: string) =>
      [...agents.values()].some((agent) => agent.terminalId === terminalId);
    return {
      start: async (what) => (room() ? show(await actions.create(what), steps.open) : undefined),
      create: async () => {
        const failure = room() ? show(await actions.create({}), steps.open) : undefined;
        if (failure !== undefined) {
          tellNotCreated(failure);
        }
      },
      split: async () => {
        const tabs = currentTabs();
        if ((tabs.tabs[tabs.active]?.panes.length ?? 0) >= steps.PANES_MAX) {
          toast({ title: "No room for another pane", text: `A tab holds ${steps.PANES_MAX}.`, tone: "bad" });
        } else if (room()) {
          const here = steps.focused(tabs);
          const beside = here === undefined ? undefined : await find(here);
          const failure = show(await actions.create({ cwd: beside?.cwd ?? "" }), steps.split);
          if (failure !== undefined) {
            tellNotCreated(failure);
          }
        }
      },
      open: (terminalId, beside = false) => {
        if (room()) {
          changeTabs((tabs) => (beside ? steps.split : steps.open)(tabs, terminalId));
        }
      },
      close: async (terminalId) => {
        const terminal = mayWrite && !isAgents(terminalId) ? await find(terminalId) : undefined;
        if (terminal === undefined || (await actions.end(terminal))) {
          hide(terminalId);
        }
      },
      hide,
      rename: async (terminalId, name) => {
        const terminal = await find(terminalId);
        return terminal !== undefined && actions.rename(terminal, name);
      },
      restarted: (terminalId, by) => {
        changeTabs((tabs) => steps.replace(tabs, terminalId, by));
        pool.drop(terminalId);
      },
      step: changeTabs,
    };
  }, [actions, clients, pool, mayWrite, terminals, agents]);
}
