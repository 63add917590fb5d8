// What ending an agent came to: whether anything of it is left, what was sent to its processes, whose wish it was.
//
// It must not know how it was ended.

import { ShieldAlert, ShieldCheck } from "lucide-react";
import type { Receipt } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { whoWords } from "../layout/people.ts";
import { CopyButton } from "../ui/index.ts";
import styles from "./ReceiptView.module.css";
import { durationWords, msOf } from "./time.ts";
import { sentWords, trackingWords } from "./words.ts";

export function ReceiptView({ receipt, name }: { receipt: Receipt; name: string }) {
  const begin = msOf(receipt.requestTime) ?? 0;
  const after = (ms: number | undefined) =>
    ms === undefined ? "" : `+${durationWords(Math.max(0, ms - begin))}`;
  return (
    <div className={styles.receipt}>
      <p className={receipt.proven ? styles.proven : styles.best}>
        {receipt.proven ? <ShieldCheck size={16} aria-hidden /> : <ShieldAlert size={16} aria-hidden />}
        {receipt.proven ? "Proven: nothing of it is left." : leftWords(receipt)}
      </p>
      <ol className={styles.steps}>
        <li>
          <span>Asked for by {whoWords(receipt.principal) || "system"}</span>
          {receipt.reason && <span className={styles.reason}>“{receipt.reason}”</span>}
        </li>
        {receipt.steps.map((step) => (
          <li key={`${step.sent} ${step.time?.seconds} ${step.time?.nanos}`}>
            <span>
              {sentWords(step.sent)} to {countProcesses(step.processes)}
            </span>
            <span className={styles.time}>{after(msOf(step.time))}</span>
          </li>
        ))}
        <li>
          <span>Over</span>
          <span className={styles.time}>{after(msOf(receipt.endTime))}</span>
        </li>
      </ol>
      {receipt.survivors.length > 0 && (
        <ul className={styles.survivors} aria-label="Processes that may be left">
          {receipt.survivors.map((survivor) => (
            <li key={survivor.pid}>
              <code>{survivor.pid}</code> <code>{survivor.command}</code>
              {survivor.possible && (
                <span className={styles.dim}> may be another terminal’s; left alone</span>
              )}
            </li>
          ))}
        </ul>
      )}
      {receipt.savedRef && (
        <p className={styles.saved}>
          What {name} had not committed is in <code>{receipt.savedRef}</code>
          <CopyButton text={`git show ${receipt.savedRef}`} label="Copy the command that shows it" />
        </p>
      )}
      <p className={styles.dim}>Processes were found {trackingWords(receipt.tracking)}.</p>
    </div>
  );
}

function leftWords(receipt: Receipt): string {
  const left = receipt.survivors.length;
  return left > 0
    ? `Best effort: ${countProcesses(left)} may be left.`
    : "Best effort: it is not proven that nothing is left.";
}

function countProcesses(count: number): string {
  return count === 1 ? "1 process" : `${count} processes`;
}
