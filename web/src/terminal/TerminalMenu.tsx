// What the right mouse button offers on a terminal. It must not know tabs.

import type { ReactNode } from "react";
import { changeSettings, useSettings } from "../layout/settings.ts";
import { type MenuItem, readClipboard, toast } from "../ui/index.ts";
import { ContextMenu } from "./ContextMenu.tsx";
import { MAC } from "./hooks.ts";
import { doDeed } from "./key-handler.ts";
import type { Deed } from "./keys.ts";
import type { Session } from "./session.ts";
import { changeTerminalSettings, useTerminalSettings } from "./settings.ts";
import styles from "./TerminalView.module.css";

const shortcut = (key: string) => (MAC ? `Mod+${key}` : `Ctrl+Shift+${key}`);

interface TerminalMenuProps {
  session: Session;
  onFind: () => void;
  children: ReactNode;
}

export function TerminalMenu({ session, onFind, children }: TerminalMenuProps) {
  return (
    <ContextMenu
      items={() => itemsOf(session, onFind)}
      label="Terminal"
      render={<div className={styles.frame} />}
    >
      {children}
    </ContextMenu>
  );
}

function itemsOf(session: Session, find: () => void): readonly (MenuItem | "line")[] {
  const { readOnly } = session.state.getState();
  const { copyOnSelect, cursorBlink, tabMovesFocus } = useTerminalSettings.getState();
  const { screenReader } = useSettings.getState();
  const deed = (label: string, what: Deed, key?: string): MenuItem => ({
    label,
    shortcut: key && shortcut(key),
    onSelect: () => doDeed(what, session, find),
  });
  return [
    { ...deed("Copy", "copy", "C"), disabled: !session.screen.term.hasSelection() },
    {
      label: "Paste",
      shortcut: shortcut("V"),
      disabled: readOnly !== undefined,
      onSelect: () => void paste(session),
    },
    deed("Select all", "select-all"),
    "line",
    deed("Find", "find", "F"),
    deed("Clear scrollback", "clear"),
    "line",
    deed("Larger text", "larger", "Plus"),
    deed("Smaller text", "smaller", "Minus"),
    deed("Normal text", "normal", "0"),
    "line",
    { ...deed("Tab moves the focus", "tab-moves-focus"), shortcut: "Ctrl+Shift+M", checked: tabMovesFocus },
    {
      label: "Copy what is selected",
      checked: copyOnSelect,
      onSelect: () => changeTerminalSettings({ copyOnSelect: !copyOnSelect }),
    },
    {
      label: "Blinking cursor",
      checked: cursorBlink,
      onSelect: () => changeTerminalSettings({ cursorBlink: !cursorBlink }),
    },
    {
      label: "Screen-reader mode",
      checked: screenReader,
      onSelect: () => changeSettings({ screenReader: !screenReader }),
    },
  ];
}

async function paste(session: Session): Promise<void> {
  const text = await readClipboard();
  session.focus();
  if (text === undefined) {
    const keys = MAC ? "Cmd+V" : "Ctrl+Shift+V";
    toast({ title: "The browser does not show its clipboard", text: `Press ${keys} to paste.` });
  } else {
    await session.paste(text);
  }
}
