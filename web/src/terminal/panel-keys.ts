// The panel's own chords: tabs, panes and their order. It must not know xterm: what a terminal takes never comes here.

import type { KeyboardEvent } from "react";
import { MAC } from "./hooks.ts";
import type { TabDeeds } from "./tab-deeds.ts";
import * as steps from "./tabs.ts";

/** For the panel's onKeyDown. */
export function usePanelKeys(deeds: TabDeeds): (event: KeyboardEvent) => void {
  return (event) => {
    const held = event.ctrlKey && event.shiftKey && !event.altKey && !event.metaKey;
    const cmd = MAC && event.metaKey && event.shiftKey && !event.altKey && !event.ctrlKey;
    if ((held || cmd) && !event.defaultPrevented && pressed(event.code, deeds)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
}

function pressed(code: string, { step, create, split }: TabDeeds): boolean {
  switch (code) {
    case "ArrowRight":
    case "BracketRight":
      step((tabs) => steps.step(tabs, 1));
      return true;
    case "ArrowLeft":
    case "BracketLeft":
      step((tabs) => steps.step(tabs, -1));
      return true;
    case "ArrowDown":
      step((tabs) => steps.stepPane(tabs, 1));
      return true;
    case "ArrowUp":
      step((tabs) => steps.stepPane(tabs, -1));
      return true;
    case "PageDown":
      step((tabs) => steps.move(tabs, tabs.active, tabs.active + 1));
      return true;
    case "PageUp":
      step((tabs) => steps.move(tabs, tabs.active, tabs.active - 1));
      return true;
    case "Digit5":
    case "Backslash":
      void split();
      return true;
    case "Backquote":
      void create();
      return true;
    default:
      return false;
  }
}
