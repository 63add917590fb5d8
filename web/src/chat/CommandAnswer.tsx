// The answer to a command: its card, or its words.
// It must not know what commands do.

import type { CommandResult } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Spinner } from "../ui/index.ts";
import styles from "./Message.module.css";

interface CommandAnswerProps {
  result: CommandResult | undefined;
  text: string;
  live: boolean;
}

export function CommandAnswer({ result, text, live }: CommandAnswerProps) {
  if (live && !result) {
    return <Spinner />;
  }
  return <pre className={styles.result}>{result?.text ?? text}</pre>;
}
