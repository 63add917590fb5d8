// A search field and the states to choose from, each with its count. It must not know what is filtered.

import { Search, X } from "lucide-react";
import type { Ref } from "react";
import { IconButton, Input } from "../ui/index.ts";
import styles from "./Filters.module.css";

interface Choice<T extends string> {
  id: T;
  word: string;
  count: number;
}

interface FiltersProps<T extends string> {
  label: string;
  text: string;
  onText(text: string): void;
  choices: readonly Choice<T>[];
  value: T;
  onChange(value: T): void;
  inputRef?: Ref<HTMLInputElement>;
}

export function Filters<T extends string>(props: FiltersProps<T>) {
  const { label, text, onText, choices, value, onChange, inputRef } = props;
  // Those that would show nothing are left out, so that one row is mostly enough.
  const offered = choices.filter((choice, index) => index === 0 || choice.count > 0 || choice.id === value);
  return (
    <div className={styles.filters}>
      <div className={styles.search}>
        <Search size={14} aria-hidden className={styles.glass} />
        <Input
          ref={inputRef}
          aria-label={label}
          placeholder="Filter"
          value={text}
          onValueChange={onText}
          className={styles.input}
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          onKeyDown={(event) => {
            if (event.key === "Escape" && text) {
              event.stopPropagation();
              onText("");
            }
          }}
        />
        {text && (
          <span className={styles.clear}>
            <IconButton label="Clear the filter" icon={X} size="small" onClick={() => onText("")} />
          </span>
        )}
      </div>
      <fieldset className={styles.chips} aria-label="State">
        {offered.map((choice) => (
          <button
            key={choice.id}
            type="button"
            className={styles.chip}
            aria-pressed={choice.id === value}
            onClick={() => onChange(choice.id)}
          >
            {choice.word} <span className={styles.number}>{choice.count}</span>
          </button>
        ))}
      </fieldset>
    </div>
  );
}
