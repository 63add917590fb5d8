// Keys that a phone's keyboard lacks, in a row under the terminal. It must not know what they mean to a program.

import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp } from "lucide-react";
import { useSyncExternalStore } from "react";
import styles from "./KeyRow.module.css";
import { type RowKey, rowKey } from "./keys.ts";
import type { Session } from "./session.ts";
import { useSessionState } from "./use-session.ts";

const coarse = matchMedia("(pointer: coarse), (max-width: 640px)");

function subscribe(changed: () => void): () => void {
  coarse.addEventListener("change", changed);
  return () => coarse.removeEventListener("change", changed);
}

/** What stands on a key is its name: who speaks to the page says what they see. */
const TEXT: [RowKey, string][] = [
  ["esc", "Esc"],
  ["tab", "Tab"],
];

const PAGES: [RowKey, string][] = [
  ["home", "Home"],
  ["end", "End"],
  ["pgup", "PgUp"],
  ["pgdn", "PgDn"],
];

const ARROWS: [RowKey, typeof ArrowUp, string][] = [
  ["left", ArrowLeft, "Arrow left"],
  ["down", ArrowDown, "Arrow down"],
  ["up", ArrowUp, "Arrow up"],
  ["right", ArrowRight, "Arrow right"],
];

export function KeyRow({ session }: { session: Session }) {
  const shown = useSyncExternalStore(subscribe, () => coarse.matches);
  const control = useSessionState(session, (state) => state.control);
  if (!shown) {
    return null;
  }
  const press = (key: RowKey) =>
    session.press(rowKey(key, session.screen.term.modes.applicationCursorKeysMode));
  // The focus stays where the on-screen keyboard belongs.
  const keep = (event: React.PointerEvent) => event.preventDefault();
  return (
    <div className={styles.row} role="toolbar" aria-label="Keys" onPointerDown={keep}>
      {TEXT.map(([key, text]) => (
        <button key={key} type="button" className={styles.key} onClick={() => press(key)}>
          {text}
        </button>
      ))}
      <button
        type="button"
        className={styles.key}
        aria-label="Ctrl, for the next key"
        aria-pressed={control}
        onClick={() => session.state.setState({ control: !control })}
      >
        Ctrl
      </button>
      {ARROWS.map(([key, Icon, label]) => (
        <button key={key} type="button" className={styles.key} aria-label={label} onClick={() => press(key)}>
          <Icon size={16} aria-hidden="true" />
        </button>
      ))}
      {PAGES.map(([key, text]) => (
        <button key={key} type="button" className={styles.key} onClick={() => press(key)}>
          {text}
        </button>
      ))}
    </div>
  );
}
