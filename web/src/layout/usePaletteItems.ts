// What the palette can find now: the workspace's conversations, terminals and agents, and every command. It must not
// know what was typed.

import { Bot, MessageSquare, SquareTerminal } from "lucide-react";
import { useMemo } from "react";
import { Agent_State } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { Terminal_State } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { millisOf, relativeTime } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import { shortcutsOf, useCommands } from "./commands.ts";
import { GROWING, type PaletteItem } from "./paletteItems.ts";
import { useView } from "./view.ts";

export function usePaletteItems(): PaletteItem[] {
  const conversations = useConversations();
  const terminals = useTerminals();
  const agents = useAgents();
  const commands = useCommandItems();
  return useMemo(
    // An agent comes before its terminal, which has the same name.
    () => [...conversations, ...agents, ...terminals, ...commands],
    [conversations, agents, terminals, commands],
  );
}

function useConversations(): PaletteItem[] {
  const conversations = useWorkspace((state) => state.conversations);
  return useMemo(
    () =>
      [...conversations.values()]
        .filter((each) => !each.archived)
        .sort((a, b) => millis(b.updateTime) - millis(a.updateTime))
        .map((each) => ({
          id: `conversation ${each.id}`,
          label: each.title || "Untitled conversation",
          detail: each.updateTime && relativeTime(millis(each.updateTime), Date.now()),
          section: GROWING.conversations,
          icon: MessageSquare,
          run: () => useView.getState().openConversation(each.id),
        })),
    [conversations],
  );
}

function useTerminals(): PaletteItem[] {
  const terminals = useWorkspace((state) => state.terminals);
  return useMemo(
    () =>
      [...terminals.values()]
        .sort((a, b) => order(a.state === Terminal_State.RUNNING) - order(b.state === Terminal_State.RUNNING))
        .map((each) => ({
          id: `terminal ${each.id}`,
          label: each.name,
          detail: each.state === Terminal_State.RUNNING ? each.title : "ended",
          keywords: `${each.title} terminal`,
          section: GROWING.terminals,
          ended: each.state !== Terminal_State.RUNNING,
          icon: SquareTerminal,
          run: () => useView.getState().openTerminal(each.id),
        })),
    [terminals],
  );
}

const LIVE: readonly Agent_State[] = [
  Agent_State.STARTING,
  Agent_State.RUNNING,
  Agent_State.INPUT_REQUIRED,
  Agent_State.STOPPING,
];

function useAgents(): PaletteItem[] {
  const agents = useWorkspace((state) => state.agents);
  return useMemo(
    () =>
      [...agents.values()]
        .sort((a, b) => order(LIVE.includes(a.state)) - order(LIVE.includes(b.state)))
        .map((each) => ({
          id: `agent ${each.id}`,
          label: each.name,
          detail: LIVE.includes(each.state) ? each.profile : "ended",
          keywords: `${each.profile} agent`,
          section: GROWING.agents,
          ended: !LIVE.includes(each.state),
          icon: Bot,
          run: () => useView.getState().openAgent(each.id),
        })),
    [agents],
  );
}

function useCommandItems(): PaletteItem[] {
  const commands = useCommands((state) => state.commands);
  return useMemo(
    () =>
      [...commands.values()]
        .filter((each) => each.inPalette !== false)
        .map((each) => ({
          id: `command ${each.id}`,
          label: each.title,
          keywords: `${each.section} ${each.keywords ?? ""}`,
          section: each.section,
          icon: each.icon,
          shortcut: shortcutsOf(each.shortcut)[0],
          run: each.run,
        })),
    [commands],
  );
}

function order(live: boolean): number {
  return live ? 0 : 1;
}

function millis(at: Parameters<typeof millisOf>[0] | undefined): number {
  return at === undefined ? 0 : millisOf(at);
}
