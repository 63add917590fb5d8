// Runs the command whose keys were pressed, wherever the focus is, if the page may take them there. It must not know
// what the commands do.

import { useEffect } from "react";
import { isApple } from "../ui/keys.ts";
import { shortcutsOf, useCommands } from "./commands.ts";
import { type Focus, matches, mayTake } from "./shortcuts.ts";

export function useShortcuts(): void {
  useEffect(() => {
    const apple = isApple();
    const pressed = (event: KeyboardEvent) => {
      if (event.repeat || event.isComposing || event.defaultPrevented) return;
      if (!mayTake(event, focusOf(event.target), apple)) return;
      for (const command of useCommands.getState().commands.values()) {
        if (!shortcutsOf(command.shortcut).some((keys) => matches(keys, event, apple))) continue;
        event.preventDefault();
        event.stopPropagation();
        command.run();
        return;
      }
    };
    // Before xterm and the text fields see them.
    window.addEventListener("keydown", pressed, { capture: true });
    return () => window.removeEventListener("keydown", pressed, { capture: true });
  }, []);
}

function focusOf(target: EventTarget | null): Focus {
  if (!(target instanceof Element)) return "page";
  if (target.closest(".xterm")) return "terminal";
  if (target.closest("input, textarea, select, [contenteditable]")) return "text";
  return target.closest('[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]')
    ? "dialog"
    : "page";
}
