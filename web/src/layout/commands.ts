// What a person can do by the palette or by a shortcut: the views put their commands here while they are shown. It must
// not know what they do.

import type { LucideIcon } from "lucide-react";
import { useEffect, useRef } from "react";
import { create } from "zustand";

export interface Command {
  /** Unique, such as "terminal.new". */
  id: string;
  title: string;
  /** The heading that it stands under in the palette, such as "Terminals". */
  section: string;
  /** Keys, such as "Mod+Shift+J"; several are tried, the first is shown. */
  shortcut?: string | readonly string[];
  icon?: LucideIcon;
  /** More words to find it by. */
  keywords?: string;
  /** False: it is a shortcut only. */
  inPalette?: boolean;
  run(): void;
}

interface Registry {
  commands: ReadonlyMap<string, Command>;
}

export const useCommands = create<Registry>(() => ({ commands: new Map() }));

/** The newest command with an id wins; the answer takes it away. */
export function registerCommand(command: Command): () => void {
  set((commands) => commands.set(command.id, command));
  return () =>
    set((commands) => {
      if (commands.get(command.id) === command) commands.delete(command.id);
    });
}

/** Registers a command while the caller is shown; undefined registers none. */
export function useCommand(command: Command | undefined): void {
  const newest = useRef(command);
  useEffect(() => {
    newest.current = command;
  });
  const { id, title, section, shortcut, icon, keywords, inPalette } = command ?? {};
  const keys = shortcutsOf(shortcut).join(" ");
  useEffect(() => {
    if (id === undefined || title === undefined || section === undefined) return;
    return registerCommand({
      id,
      title,
      section,
      shortcut: keys === "" ? undefined : keys.split(" "),
      icon,
      keywords,
      inPalette,
      run: () => newest.current?.run(),
    });
  }, [id, title, section, keys, icon, keywords, inPalette]);
}

export function shortcutsOf(shortcut: Command["shortcut"]): readonly string[] {
  if (shortcut === undefined) return [];
  return typeof shortcut === "string" ? [shortcut] : shortcut;
}

function set(change: (commands: Map<string, Command>) => void): void {
  const commands = new Map(useCommands.getState().commands);
  change(commands);
  useCommands.setState({ commands });
}
