// One job with its newest agent, in two or three lines. It must not know what opening it shows.

import { memo } from "react";
import { cx } from "../ui/index.ts";
import styles from "./AgentRow.module.css";
import { Elapsed } from "./Elapsed.tsx";
import type { Row } from "./rows.ts";
import { StateIcon, StateWord } from "./StateIcon.tsx";

/** About: what is drawn is measured. */
export function rowHeight(row: Row): number {
  return 26 + (row.prompt ? 18 : 0) + (row.lineKind === "none" ? 0 : 18);
}

interface AgentRowProps {
  row: Row;
  selected: boolean;
  /** Its prompt is a command line. */
  mono: boolean;
  tabIndex: 0 | -1;
  onOpen(): void;
}

export const AgentRow = memo(function AgentRow({ row, selected, mono, tabIndex, onOpen }: AgentRowProps) {
  return (
    <button
      type="button"
      data-stop
      tabIndex={tabIndex}
      className={cx(styles.row, selected && styles.selected, row.group === "ended" && styles.ended)}
      aria-current={selected || undefined}
      onClick={onOpen}
    >
      <span className={styles.icon}>
        <StateIcon icon={row.state.icon} tone={row.state.tone} size={15} />
      </span>
      <span className={styles.first}>
        <span className={styles.name}>{row.name}</span>
        <span className={styles.profile}>{row.profile}</span>
        {row.attemptsMax > 1 && (
          <span className={styles.attempt} title={`Attempt ${row.attempt} of ${row.attemptsMax}`}>
            {row.attempt}/{row.attemptsMax}
          </span>
        )}
        <span className={styles.state}>
          <StateWord state={row.state} />
          <Elapsed since={row.since} until={row.until} className={styles.time} unsaid />
        </span>
      </span>
      {row.prompt && <span className={cx(styles.prompt, mono && styles.mono)}>{row.prompt}</span>}
      {row.lineKind !== "none" && <span className={cx(styles.line, styles[row.lineKind])}>{row.line}</span>}
    </button>
  );
}, same);

/** Rows are made anew whenever one changes; only what is seen counts. */
function same(a: AgentRowProps, b: AgentRowProps): boolean {
  return (
    a.selected === b.selected &&
    a.mono === b.mono &&
    a.tabIndex === b.tabIndex &&
    a.row.id === b.row.id &&
    a.row.agent?.id === b.row.agent?.id &&
    a.row.name === b.row.name &&
    a.row.state.word === b.row.state.word &&
    a.row.group === b.row.group &&
    a.row.attempt === b.row.attempt &&
    a.row.attemptsMax === b.row.attemptsMax &&
    a.row.since === b.row.since &&
    a.row.until === b.row.until &&
    a.row.prompt === b.row.prompt &&
    a.row.line === b.row.line &&
    a.row.lineKind === b.row.lineKind
  );
}
