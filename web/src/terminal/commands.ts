// The panel's commands for the palette. Their keys work in the panel only, so the palette does not show them.
//
// It must not know xterm.

import { Columns2, Plus, SquareTerminal, Trash2 } from "lucide-react";
import { type Command, useCommand } from "../layout/commands.ts";
import type { TabDeeds } from "./tab-deeds.ts";
import { focused, step, type Tabs } from "./tabs.ts";

const SECTION = "Terminals";

export function usePanelCommands(tabs: Tabs, deeds: TabDeeds, mayWrite: boolean, ask: () => void): void {
  const active = focused(tabs);
  const some = active !== undefined;
  const of = (id: string, title: string, run: () => void, more?: Partial<Command>): Command => ({
    id: `terminal.${id}`,
    title,
    section: SECTION,
    run,
    ...more,
  });
  const when = (shown: boolean, command: Command) => (shown ? command : undefined);
  useCommand(
    when(
      mayWrite,
      of("new", "New terminal", () => void deeds.create(), { icon: Plus, keywords: "shell" }),
    ),
  );
  useCommand(when(mayWrite, of("new-with", "New terminal with a command", ask, { icon: SquareTerminal })));
  useCommand(
    when(
      mayWrite && some,
      of("split", "Split terminal", () => void deeds.split(), { icon: Columns2, keywords: "pane" }),
    ),
  );
  useCommand(
    when(
      tabs.tabs.length > 1,
      of("next", "Next terminal", () => deeds.step((state) => step(state, 1))),
    ),
  );
  useCommand(
    when(
      tabs.tabs.length > 1,
      of("previous", "Previous terminal", () => deeds.step((state) => step(state, -1))),
    ),
  );
  useCommand(
    when(
      some,
      of("close", "Close terminal", () => active !== undefined && void deeds.close(active), { icon: Trash2 }),
    ),
  );
  useCommand(
    when(
      some,
      of("hide", "Close terminal tab, let it run", () => active !== undefined && deeds.hide(active)),
    ),
  );
}
