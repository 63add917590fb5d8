// The answer to a command: its card, or its words.
// It must not know what commands do.

import { Suspense, useContext } from "react";
import type { CommandResult } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Spinner } from "../ui/index.ts";
import { CommandCardContext } from "./cards.ts";
import { useChat } from "./context.ts";
import styles from "./Message.module.css";

interface CommandAnswerProps {
  result: CommandResult | undefined;
  text: string;
  live: boolean;
}

export function CommandAnswer({ result, text, live }: CommandAnswerProps) {
  const Card = useContext(CommandCardContext);
  const { session, canWrite } = useChat();
  if (live && !result) {
    return <Spinner label="The command runs" />;
  }
  const words = result?.text ?? text;
  // A stopped command may have nothing to say.
  const plain = words === "" ? null : <pre className={styles.result}>{words}</pre>;
  if (!result || !Card) {
    return plain;
  }
  const run = (command: string) => {
    if (canWrite) {
      session.send(command, []);
    }
  };
  return (
    <Suspense fallback={plain}>
      <Card result={result} onRun={run} />
    </Suspense>
  );
}
