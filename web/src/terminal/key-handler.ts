// What each key does in a focused terminal: the program gets all but Cmd and Ctrl+Shift chords.
//
// It must not know React.

import { mayTake } from "../layout/shortcuts.ts";
import { copyOrTell } from "../ui/index.ts";
import { type Deed, terminalDeed } from "./keys.ts";
import type { Session } from "./session.ts";
import { changeFontSize, changeTerminalSettings, useTerminalSettings } from "./settings.ts";

/** For xterm's attachCustomKeyEventHandler: false keeps the key from the program. */
export function terminalKeys(
  session: Session,
  mac: boolean,
  find: () => void,
): (event: KeyboardEvent) => boolean {
  return (event) => {
    if (event.key === "Tab" && !event.ctrlKey && useTerminalSettings.getState().tabMovesFocus) {
      return false;
    }
    if (!mayTake(event, "terminal", mac)) {
      return true;
    }
    const deed = event.type === "keydown" ? terminalDeed(event, mac) : undefined;
    // The browser itself pastes, which asks for no permission, and copies where Cmd+C is its own.
    if (deed !== undefined && deed !== "paste" && !(deed === "copy" && mac)) {
      event.preventDefault();
      event.stopPropagation();
      doDeed(deed, session, find);
    }
    return false;
  };
}

export function doDeed(deed: Deed, session: Session, find: () => void): void {
  const { term } = session.screen;
  const deeds: Record<Deed, () => void> = {
    copy: () => term.hasSelection() && void copyOrTell(term.getSelection()),
    paste: () => {},
    find,
    larger: () => changeFontSize(1),
    smaller: () => changeFontSize(-1),
    normal: () => changeFontSize("normal"),
    "tab-moves-focus": () =>
      changeTerminalSettings({ tabMovesFocus: !useTerminalSettings.getState().tabMovesFocus }),
    "select-all": () => term.selectAll(),
    top: () => session.scroll("top"),
    bottom: () => session.scroll("bottom"),
    clear: () => term.clear(),
  };
  deeds[deed]();
}
