// How an answer came about, on hover, focus or tap: tokens, time, and each attempt with its failure.
// It must not know where it is shown.

import { Popover } from "@base-ui/react/popover";
import { useState } from "react";
import type { Attempt, Message } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import styles from "./Details.module.css";
import { about, count, duration, failureWords, tookMs, usageRows } from "./format.ts";

export function Details({ message }: { message: Message }) {
  const [open, setOpen] = useState(false);
  const took = tookMs(message);
  const { usage, attempts } = message;
  const words = [
    message.answeredBy || message.model,
    usage && `${about(usage)}${count(usage.output)} tokens`,
    took !== undefined && duration(took),
    attempts.length > 1 && `${attempts.length} attempts`,
  ].filter(Boolean);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        className={styles.trigger}
        openOnHover
        delay={150}
        closeDelay={100}
        aria-label={`Details of this answer: ${words.join(", ")}`}
        onFocus={(event) => event.currentTarget.matches(":focus-visible") && setOpen(true)}
        onBlur={() => setOpen(false)}
      >
        {words.join(" · ")}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className={styles.positioner} side="top" sideOffset={6} align="start">
          <Popover.Popup
            className={styles.popup}
            initialFocus={false}
            finalFocus={false}
            aria-label="Details of this answer"
          >
            <Table message={message} took={took} />
            {attempts.length > 0 && <Attempts attempts={attempts} />}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Table({ message, took }: { message: Message; took: number | undefined }) {
  const { usage } = message;
  const rows: (readonly [string, string])[] = [
    ["Asked for", message.model],
    ["Answered by", message.answeredBy || "nobody"],
    ...(took === undefined ? [] : [["Time", duration(took)] as const]),
    ...(usage ? usageRows(usage) : []),
  ];
  return (
    <dl className={styles.table}>
      {rows.map(([name, value]) => (
        <div key={name} className={name.startsWith("of it") ? styles.part : undefined}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {usage && about(usage) !== "" && (
        <p>≈ The provider told no count: estimated from the length of the text.</p>
      )}
    </dl>
  );
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  return (
    <ol className={styles.attempts} aria-label="Attempts">
      {attempts.map((attempt, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: attempts of a finished answer never change
        <li key={index} data-failed={attempt.failure !== ""}>
          <strong>{attempt.model}</strong>
          <span>{timesOf(attempt)}</span>
          {attempt.failure !== "" && (
            <p>
              {failureWords(attempt.failure)}
              {attempt.status > 0 && ` (HTTP ${attempt.status})`}
              {attempt.message !== "" && `: ${attempt.message}`}
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}

function timesOf({ firstContentMs, durationMs, usage }: Attempt): string {
  const parts = [
    firstContentMs !== undefined && `first text after ${duration(Number(firstContentMs))}`,
    duration(Number(durationMs)),
    usage && usage.output > 0n && `${about(usage)}${count(usage.output)} tokens`,
  ];
  return parts.filter(Boolean).join(" · ");
}
