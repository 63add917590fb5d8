// A name to change in place: Enter keeps it, Escape leaves it. It must not know what is named.

import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import styles from "./TabStrip.module.css";

interface RenameFieldProps {
  name: string;
  /** The tab that it covers. It stands beside the row of tabs, in which only tabs may be. */
  tab: HTMLElement;
  /** Answers undefined when nothing is to change. */
  onDone: (name: string | undefined) => void;
}

/** True while a name is being changed: the focus stays there. */
export function isRenaming(): boolean {
  return document.activeElement?.classList.contains(styles.rename ?? "") === true;
}

export function RenameField({ name, tab, onDone }: RenameFieldProps) {
  const [value, setValue] = useState(name);
  const input = useRef<HTMLInputElement>(null);
  const done = useRef(false);
  useEffect(() => input.current?.select(), []);
  const finish = (keep: boolean) => {
    if (!done.current) {
      done.current = true;
      const trimmed = value.trim();
      onDone(keep && trimmed !== "" && trimmed !== name ? trimmed : undefined);
      // A name that was refused can be changed again.
      queueMicrotask(() => {
        done.current = false;
      });
    }
  };
  const host = tab.closest('[role="tablist"]')?.parentElement;
  if (!host) {
    return null;
  }
  const { left, width } = tab.getBoundingClientRect();
  const style = { left: left - host.getBoundingClientRect().left, width };
  return createPortal(
    <input
      ref={input}
      className={styles.rename}
      style={style}
      aria-label={`New name for ${name}`}
      value={value}
      maxLength={128}
      spellCheck={false}
      onChange={(event) => setValue(event.target.value)}
      onBlur={() => finish(true)}
      // The middle button pastes here; on the tab it closes.
      onAuxClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter" || event.key === "Escape") {
          event.preventDefault();
          finish(event.key === "Enter");
        }
      }}
    />,
    host,
  );
}
