// What floats over the page while the server is away, and is read out once. Nothing moves for it: terminals keep their
// size. It must not know what waits for it.

import { CloudOff, LoaderCircle } from "lucide-react";
import { Button } from "../ui/index.ts";
import { useHub, useWorkspace } from "../workspace/hooks.tsx";
import styles from "./Banner.module.css";
import { useConnectionWords } from "./useConnectionWords.ts";

export function Banner() {
  const hub = useHub();
  const { tone, banner, retryIn } = useConnectionWords();
  const problem = useWorkspace((state) => state.problem);
  const text = banner ?? (problem && tone === "good" ? problem.message : undefined);
  const Icon = tone === "warn" ? LoaderCircle : CloudOff;
  return (
    <>
      <div role="status" className="visually-hidden">
        {text}
      </div>
      {text && (
        <section className={styles.banner} data-tone={tone} aria-label="Connection">
          <Icon size={16} aria-hidden className={styles.icon} />
          <p className={styles.text}>{text}</p>
          {retryIn !== undefined && (
            <>
              <span className={styles.count}>Next try in {retryIn} s</span>
              <Button size="small" onClick={() => hub.wake()}>
                Try now
              </Button>
            </>
          )}
        </section>
      )}
    </>
  );
}
