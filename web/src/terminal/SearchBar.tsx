// Finds text in what a terminal shows: next, previous, case, regular expressions, how many.
//
// It must not know how output is read: only what is in the scrollback is found.

import type { ISearchOptions } from "@xterm/addon-search";
import { ArrowDown, ArrowUp, CaseSensitive, Regex, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTheme } from "../layout/theme.ts";
import { IconButton } from "../ui/index.ts";
import styles from "./SearchBar.module.css";
import { MATCHES_MAX } from "./screen.ts";
import type { Session } from "./session.ts";

/** xterm draws these itself, so they are no custom properties. */
const MARKS = {
  dark: {
    matchBackground: "#6b5a1e",
    matchOverviewRuler: "#c9a94a",
    activeMatchBackground: "#b8640f",
    activeMatchBorder: "#ffb454",
    activeMatchColorOverviewRuler: "#ffb454",
  },
  light: {
    matchBackground: "#f5e2a8",
    matchOverviewRuler: "#b08a1e",
    activeMatchBackground: "#f2b25c",
    activeMatchBorder: "#a85d00",
    activeMatchColorOverviewRuler: "#a85d00",
  },
} satisfies Record<string, ISearchOptions["decorations"]>;

interface Found {
  index: number;
  count: number;
}

export function SearchBar({ session, onClose }: { session: Session; onClose: () => void }) {
  const { search, term } = session.screen;
  const [text, setText] = useState(() => firstLine(term.getSelection()));
  const [caseSensitive, setCase] = useState(false);
  const [regex, setRegex] = useState(false);
  const [found, setFound] = useState<Found>({ index: -1, count: 0 });
  const input = useRef<HTMLInputElement>(null);
  const wrong = regex && !isRegex(text);
  const { name } = useTheme();
  const decorations = MARKS[name === "light" ? "light" : "dark"];
  const options = { caseSensitive, regex, decorations };

  useEffect(() => {
    input.current?.select();
    const results = search.onDidChangeResults(({ resultIndex, resultCount }) =>
      setFound({ index: resultIndex, count: resultCount }),
    );
    return () => {
      results.dispose();
      search.clearDecorations();
      term.clearSelection();
    };
  }, [search, term]);

  useEffect(() => {
    if (text === "" || (regex && !isRegex(text))) {
      search.clearDecorations();
      setFound({ index: -1, count: 0 });
    } else {
      search.findPrevious(text, { caseSensitive, regex, decorations });
    }
  }, [search, text, caseSensitive, regex, decorations]);

  /** The addon counts the same words anew only after it has forgotten them. */
  const change = (how: () => void) => {
    search.clearDecorations();
    how();
  };
  const step = (back: boolean) => {
    if (text !== "" && !wrong) {
      back ? search.findPrevious(text, options) : search.findNext(text, options);
    }
  };
  const keys = (event: React.KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      // Up is older, which is where one mostly looks.
      step(!event.shiftKey);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    }
  };

  return (
    <search className={styles.bar} aria-label="Find in the terminal" onKeyDown={keys}>
      <input
        ref={input}
        className={styles.input}
        value={text}
        placeholder="Find"
        aria-label="Find"
        aria-invalid={wrong}
        spellCheck={false}
        autoComplete="off"
        maxLength={500}
        onChange={(event) => setText(event.target.value)}
      />
      <span className={styles.count} role="status" data-none={text !== "" && found.count === 0}>
        {wrong ? "No such pattern" : text === "" ? "" : countWords(found)}
      </span>
      <IconButton
        size="small"
        icon={CaseSensitive}
        label="Match case"
        pressed={caseSensitive}
        onClick={() => change(() => setCase(!caseSensitive))}
      />
      <IconButton
        size="small"
        icon={Regex}
        label="Regular expression"
        pressed={regex}
        onClick={() => change(() => setRegex(!regex))}
      />
      <IconButton size="small" icon={ArrowUp} label="Previous match" onClick={() => step(true)} />
      <IconButton size="small" icon={ArrowDown} label="Next match" onClick={() => step(false)} />
      <IconButton size="small" icon={X} label="Close search" onClick={onClose} />
    </search>
  );
}

function countWords({ index, count }: Found): string {
  if (count === 0) {
    return "No results";
  }
  return index < 0 || count >= MATCHES_MAX ? `${MATCHES_MAX}+` : `${index + 1} of ${count}`;
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").slice(0, 200);
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
