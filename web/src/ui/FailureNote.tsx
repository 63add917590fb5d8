// What went wrong, what to do about it, and the way to try again. It must not know which call it was.

import { RotateCw, TriangleAlert } from "lucide-react";
import type { Failure } from "../api/failure.ts";
import { Button } from "./Button.tsx";
import styles from "./FailureNote.module.css";

export interface FailureNoteProps {
  failure: Failure;
  /** Offered whatever the failure is: a person may have mended its cause. */
  retry?(): void;
}

export function FailureNote({ failure, retry }: FailureNoteProps) {
  return (
    <div className={styles.note} role="alert">
      <TriangleAlert size={16} aria-hidden className={styles.icon} />
      <div className={styles.words}>
        <p className={styles.message}>{failure.message || "That did not work."}</p>
        <p className={styles.small}>
          <code>{failure.reason || failure.code}</code>
          {failure.requestId && (
            <>
              {" "}
              · request <code>{failure.requestId}</code>
            </>
          )}
        </p>
      </div>
      {retry && (
        <Button size="small" icon={RotateCw} onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}
