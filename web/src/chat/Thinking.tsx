// What a model thought before it answered, folded.
// It must not know which model.

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import type { Usage } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { about, count, duration } from "./format.ts";
import styles from "./Thinking.module.css";

interface ThinkingProps {
  text: string;
  /** It thinks now. */
  live: boolean;
  /** Milliseconds that it took, where that was seen. */
  took?: number;
  usage?: Usage;
}

export function Thinking({ text, live, took, usage }: ThinkingProps) {
  const [open, setOpen] = useState(false);
  const tokens = usage && usage.thinking > 0n ? `${about(usage)}${count(usage.thinking)} tokens` : undefined;
  const how = took === undefined ? tokens : `for ${duration(took)}`;
  return (
    <div className={styles.thinking}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} data-live={live}>
        <ChevronRight size={14} aria-hidden="true" />
        {live ? "Thinking…" : `Thought${how ? (took === undefined ? ` (${how})` : ` ${how}`) : ""}`}
      </button>
      {open && <div className={styles.text}>{text}</div>}
      {!open && live && <div className={styles.last}>{lastLine(text)}</div>}
    </div>
  );
}

/** The end of it, for one line. */
function lastLine(text: string): string {
  return text.slice(-200).trimEnd().split("\n").at(-1) ?? "";
}
