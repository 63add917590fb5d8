// At the top of the scrollback: more from the log, or why there is no more. It must not know how output is read.

import { ChevronsUp } from "lucide-react";
import { Button, Spinner } from "../ui/index.ts";
import type { Session } from "./session.ts";
import styles from "./TerminalView.module.css";
import { useSessionState } from "./use-session.ts";

export function EarlierBar({ session }: { session: Session }) {
  const atTop = useSessionState(session, (state) => state.atTop);
  const earlier = useSessionState(session, (state) => state.earlier);
  if (earlier === "loading") {
    return (
      <div className={styles.earlier} role="status">
        <Spinner /> Loading earlier output
      </div>
    );
  }
  if (!atTop || earlier === "none") {
    return null;
  }
  return (
    <div className={styles.earlier}>
      {earlier === "more" && (
        <Button size="small" variant="ghost" icon={ChevronsUp} onClick={() => session.loadEarlier()}>
          Load earlier output
        </Button>
      )}
      {earlier === "limit" && <span>The oldest lines that are shown here; the log has more</span>}
      {earlier === "gone" && <span>Older output is no longer kept</span>}
    </div>
  );
}
