// A word with a tone, such as a state. The tone only repeats what the word says.

import type { ReactNode } from "react";
import styles from "./Badge.module.css";
import { cx } from "./cx.ts";

export type Tone = "neutral" | "accent" | "good" | "bad" | "warn";

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={cx(styles.badge, styles[tone])}>{children}</span>;
}
