// How the queue is, always in sight, and what can be done to all of it. It must not know single jobs.

import { OctagonX, Pause, Play, Plus } from "lucide-react";
import { Button, IconButton } from "../ui/index.ts";
import { useDeeds, useMay } from "./deeds.ts";
import { openKillAll, openPause, openSpawn } from "./dialogs.ts";
import { useQueue } from "./live.ts";
import styles from "./QueueBar.module.css";
import { durationMs, durationWords } from "./time.ts";

export function QueueBar({ active }: { active: boolean }) {
  const queue = useQueue(active);
  const may = useMay();
  const deeds = useDeeds();
  const oldest = durationMs(queue?.oldestWait);
  const share = queue && queue.runningMax > 0 ? Math.min(1, queue.running / queue.runningMax) : 0;
  return (
    <header className={styles.bar}>
      <div className={styles.top}>
        <h2 className={styles.title}>Agents</h2>
        <IconButton
          label={may.killAll ? "Kill all agents" : "Kill all agents (needs an admin's token)"}
          icon={OctagonX}
          size="small"
          aria-disabled={!may.killAll}
          onClick={() => may.killAll && openKillAll()}
        />
        {queue?.paused ? (
          <IconButton
            label="Resume the queue"
            icon={Play}
            size="small"
            disabled={!may.act}
            onClick={() => void deeds.resume()}
          />
        ) : (
          <IconButton
            label="Pause the queue"
            icon={Pause}
            size="small"
            disabled={!may.act}
            onClick={openPause}
          />
        )}
        <Button size="small" icon={Plus} disabled={!may.act} onClick={() => openSpawn()}>
          Spawn
        </Button>
      </div>
      <dl className={styles.counts} aria-label="The queue">
        <Count
          label="Running"
          value={queue ? String(queue.running) : "–"}
          of={queue ? ` / ${queue.runningMax}` : ""}
        />
        <Count
          label="Ready"
          value={queue ? String(queue.ready) : "–"}
          of={oldest === undefined ? "" : ` · ${durationWords(oldest)}`}
          title={oldest === undefined ? undefined : `The oldest has waited ${durationWords(oldest)}`}
        />
        <Count
          label="Blocked"
          value={queue ? String(queue.blocked) : "–"}
          title="Jobs that wait for other jobs"
        />
        <Count
          label="Will retry"
          value={queue ? String(queue.backingOff) : "–"}
          title="Jobs that wait for their next attempt"
        />
      </dl>
      <div className={styles.meter} aria-hidden>
        <span className={styles.share} style={{ transform: `scaleX(${share})` }} />
      </div>
      {queue?.paused && (
        <div className={styles.paused} role="status">
          <Pause size={14} aria-hidden />
          <span className={styles.why}>
            <strong>The queue is paused.</strong> {queue.pauseReason || "No further agent starts."}
          </span>
          <Button size="small" icon={Play} disabled={!may.act} onClick={() => void deeds.resume()}>
            Resume
          </Button>
        </div>
      )}
      {!may.act && <p className={styles.viewer}>{may.why}</p>}
    </header>
  );
}

interface CountProps {
  label: string;
  value: string;
  of?: string;
  title?: string;
}

function Count({ label, value, of, title }: CountProps) {
  return (
    <div className={styles.count} title={title}>
      <dt>{label}</dt>
      <dd>
        {value}
        {of && <span>{of}</span>}
      </dd>
    </div>
  );
}
