// What could follow what is typed, above the field.
// It must not know where the suggestions come from; the field has the focus and the keys.

import { useEffect, useRef } from "react";
import styles from "./Composer.module.css";
import type { Suggestion } from "./completion.ts";

interface SuggestionListProps {
  id: string;
  items: readonly Suggestion[];
  /** The one that is meant; -1: none yet. */
  at: number;
  onTake: (item: Suggestion) => void;
}

export function SuggestionList({ id, items, at, onTake }: SuggestionListProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div className={styles.suggestions}>
      <div ref={list} id={id} role="listbox" aria-label="Suggestions">
        {items.map((item, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus
          <div
            key={item.key}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className={styles.suggestion}
            onMouseDown={(event) => {
              event.preventDefault();
              onTake(item);
            }}
          >
            <b>{item.text.trim()}</b>
            {/* What is typed stands between backticks, for those who read the help as Markdown. */}
            <span>{item.detail.replaceAll("`", "")}</span>
          </div>
        ))}
      </div>
      <p aria-live="polite" className={styles.unseen}>
        {items.length === 1 ? "1 suggestion" : `${items.length} suggestions`}
      </p>
    </div>
  );
}
