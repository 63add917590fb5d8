// What the right mouse button offers on a terminal. It must not know tabs.

import type { ReactNode } from "react";
import { toast } from "../ui/index.ts";
import { ContextMenu } from "./ContextMenu.tsx";
import { readClipboard } from "./copy.ts";
import { MAC } from "./hooks.ts";
import { doDeed } from "./key-handler.ts";
import type { Session } from "./session.ts";
import { changeSettings, useTerminalSettings } from "./settings.ts";
import styles from "./TerminalView.module.css";

const keys = (mac: string, others: string) => (MAC ? mac : `Ctrl+Shift+${others}`);

export function TerminalMenu({
  session,
  onFind,
  children,
}: {
  session: Session;
  onFind: () => void;
  children: ReactNode;
}) {
  const paste = async () => {
    const text = await readClipboard();
    session.focus();
    if (text === undefined) {
      toast({
        title: "The browser does not show its clipboard",
        text: `Press ${keys("Cmd+V", "V")} to paste.`,
      });
    } else {
      await session.paste(text);
    }
  };
  const items = () => {
    const settings = useTerminalSettings.getState();
    const { readOnly } = session.state.getState();
    return [
      {
        label: "Copy",
        shortcut: keys("Cmd+C", "C"),
        disabled: !session.screen.term.hasSelection(),
        onSelect: () => doDeed("copy", session, onFind),
      },
      {
        label: "Paste",
        shortcut: keys("Cmd+V", "V"),
        disabled: readOnly !== undefined,
        onSelect: () => void paste(),
      },
      { label: "Select all", onSelect: () => doDeed("select-all", session, onFind) },
      undefined,
      { label: "Find", shortcut: keys("Cmd+F", "F"), onSelect: onFind },
      { label: "Clear scrollback", onSelect: () => doDeed("clear", session, onFind) },
      undefined,
      {
        label: "Tab moves the focus",
        shortcut: "Ctrl+Shift+M",
        checked: settings.tabMovesFocus,
        onSelect: () => changeSettings({ tabMovesFocus: !settings.tabMovesFocus }),
      },
      {
        label: "Copy what is selected",
        checked: settings.copyOnSelect,
        onSelect: () => changeSettings({ copyOnSelect: !settings.copyOnSelect }),
      },
      {
        label: "Screen-reader mode",
        checked: settings.screenReader,
        onSelect: () => changeSettings({ screenReader: !settings.screenReader }),
      },
      {
        label: "Flash when the bell rings",
        checked: settings.visualBell,
        onSelect: () => changeSettings({ visualBell: !settings.visualBell }),
      },
      {
        label: "Blinking cursor",
        checked: settings.cursorBlink,
        onSelect: () => changeSettings({ cursorBlink: !settings.cursorBlink }),
      },
      undefined,
      {
        label: "Larger text",
        shortcut: keys("Cmd+Plus", "Plus"),
        onSelect: () => doDeed("larger", session, onFind),
      },
      {
        label: "Smaller text",
        shortcut: keys("Cmd+Minus", "Minus"),
        onSelect: () => doDeed("smaller", session, onFind),
      },
      {
        label: "Normal text",
        shortcut: keys("Cmd+0", "0"),
        onSelect: () => doDeed("normal", session, onFind),
      },
    ];
  };
  return (
    <ContextMenu items={items} label="Terminal" render={<div className={styles.frame} />}>
      {children}
    </ContextMenu>
  );
}
