// A name to change in place: Enter keeps it, Escape leaves it. It must not know what is named.

import { useEffect, useRef, useState } from "react";
import styles from "./TabStrip.module.css";

/** Answers undefined when nothing is to change. */
export function RenameField({ name, onDone }: { name: string; onDone: (name: string | undefined) => void }) {
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
  return (
    <input
      ref={input}
      className={styles.rename}
      aria-label={`New name for ${name}`}
      value={value}
      maxLength={128}
      spellCheck={false}
      onChange={(event) => setValue(event.target.value)}
      onBlur={() => finish(true)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter" || event.key === "Escape") {
          event.preventDefault();
          finish(event.key === "Enter");
        }
      }}
    />
  );
}
