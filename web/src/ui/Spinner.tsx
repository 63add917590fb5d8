// A ring that turns while something is waited for. It must not know for what.

import { cx } from "./cx.ts";
import styles from "./Spinner.module.css";

/** With a label it is a status that is read out; without one it is decoration. */
export function Spinner({ label, small }: { label?: string; small?: boolean }) {
  return (
    <span className={styles.box} role={label ? "status" : undefined}>
      <span className={cx(styles.ring, small && styles.small)} aria-hidden />
      {label && <span className={styles.label}>{label}</span>}
    </span>
  );
}
