// An agent's output as text: the end of it, what comes, and earlier output on demand. It must not know the agent.

import { ArrowDown, ArrowUp } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button, CopyButton, FailureNote, Spinner, Switch } from "../ui/index.ts";
import styles from "./LogView.module.css";
import { EARLIER_BYTES, useEarlier, useLog } from "./log.ts";

const NEAR_PX = 24;

export function LogView({ terminalId }: { terminalId: string }) {
  const [follow, setFollow] = useState(true);
  const log = useLog(terminalId, { tailBytes: BigInt(EARLIER_BYTES) }, follow);
  const earlier = useEarlier(terminalId, log.begins);
  const scroller = useRef<HTMLElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const text = log.dropped ? log.text : earlier.text + log.text;

  // Whoever reads at the end stays there; whoever has scrolled up is left alone.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the text has grown
  useLayoutEffect(() => {
    const element = scroller.current;
    if (atEnd && element) {
      element.scrollTop = element.scrollHeight;
    }
  }, [text, atEnd]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) {
      return;
    }
    const onScroll = () => {
      setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, []);

  return (
    <div className={styles.log}>
      <div className={styles.bar}>
        <Switch label="Follow" checked={follow} onChange={setFollow} />
        <span className={styles.room} />
        {log.ended && <span className={styles.dim}>ended</span>}
        <CopyButton text={text} label="Copy the log" />
      </div>
      <div className={styles.place}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keys */}
        <section ref={scroller} className={styles.scroller} tabIndex={0} aria-label="Log">
          {!earlier.atStart && !log.dropped && (
            <Button size="small" variant="ghost" icon={ArrowUp} busy={earlier.loading} onClick={earlier.load}>
              Earlier output
            </Button>
          )}
          {log.dropped && <p className={styles.dim}>Earlier lines are in the terminal.</p>}
          {log.failure && <FailureNote failure={log.failure} />}
          {!log.opened && <Spinner />}
          <pre className={styles.text}>{text}</pre>
          {log.opened && !text && !log.failure && <p className={styles.dim}>Nothing was printed.</p>}
        </section>
        {!atEnd && (
          <div className={styles.down}>
            <Button
              size="small"
              icon={ArrowDown}
              onClick={() => {
                setAtEnd(true);
              }}
            >
              To the end
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}
