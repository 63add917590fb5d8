// The queue in a conversation, as it is now. It must not know single jobs.

import { Pause, Play } from "lucide-react";
import type { Queue } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { Button } from "../ui/index.ts";
import styles from "./Card.module.css";
import { CardBox } from "./CardBox.tsx";
import { useDeeds, useMay } from "./deeds.ts";
import { openPause } from "./dialogs.ts";
import { useOnScreen, useQueue } from "./live.ts";
import { durationMs, durationWords } from "./time.ts";

export function QueueCard({ told }: { told: Queue }) {
  const [ref, onScreen] = useOnScreen();
  const may = useMay();
  const deeds = useDeeds();
  const queue = useQueue(onScreen) ?? told;
  return (
    <CardBox ref={ref} label="Queue">
      <QueueCounts told={told} active={onScreen} />
      <div className={styles.deeds}>
        {queue.paused ? (
          <Button size="small" icon={Play} disabled={!may.act} onClick={() => void deeds.resume()}>
            Resume
          </Button>
        ) : (
          <Button size="small" variant="ghost" icon={Pause} disabled={!may.act} onClick={openPause}>
            Pause
          </Button>
        )}
      </div>
    </CardBox>
  );
}

export function QueueCounts({ told, active }: { told?: Queue; active: boolean }) {
  const queue = useQueue(active) ?? told;
  if (!queue) {
    return null;
  }
  const oldest = durationMs(queue.oldestWait);
  return (
    <>
      <p className={styles.counts}>
        <strong>
          {queue.running} of {queue.runningMax}
        </strong>{" "}
        running, <strong>{queue.ready}</strong> ready
        {oldest !== undefined && ` (the oldest for ${durationWords(oldest)})`},{" "}
        <strong>{queue.blocked}</strong> blocked, <strong>{queue.backingOff}</strong> will retry
      </p>
      {queue.paused && (
        <p className={styles.paused}>
          <strong>The queue is paused.</strong> {queue.pauseReason || "No further agent starts."}
        </p>
      )}
    </>
  );
}
