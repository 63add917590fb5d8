// How much of today's tokens are used and set aside. It must not know by whom.

import type { GetUsageResponse } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { wholeCount } from "../ui/index.ts";
import styles from "./Budget.module.css";

export function Budget({ usage }: { usage: GetUsageResponse }) {
  const { dailyBudgetTokens: budget, usedTodayTokens: used, reservedTodayTokens: reserved } = usage;
  const percent = (part: bigint) => (budget === 0n ? 0 : Math.min(100, Number((part * 1000n) / budget) / 10));
  return (
    <section className={styles.budget} aria-label="Today's budget">
      <div className={styles.line}>
        <h3 className={styles.name}>Today</h3>
        <p>
          {wholeCount(used)} tokens used
          {reserved > 0n && `, ${wholeCount(reserved)} set aside for answers under way`}
          <span className={styles.of}>
            {budget === 0n ? " · no limit" : ` · of ${wholeCount(budget)} (${percent(used + reserved)} %)`}
          </span>
        </p>
      </div>
      {budget > 0n && (
        <div className={styles.bar} aria-hidden>
          <span className={styles.used} style={{ width: `${percent(used)}%` }} />
          <span className={styles.reserved} style={{ width: `${percent(reserved)}%` }} />
        </div>
      )}
    </section>
  );
}
