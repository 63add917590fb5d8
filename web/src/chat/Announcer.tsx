// Tells a screen reader how an answer goes on, in whole sentences and not too often.
// It must not be seen.

import { useEffect, useRef, useState } from "react";
import type { CommandResult } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { resultWords } from "../layout/features.tsx";
import { nextSentences } from "./announce.ts";
import styles from "./Composer.module.css";
import type { Session } from "./session.ts";
import { isOver } from "./tree.ts";

/** At most so often something is said. */
const PACE_MS = 3000;

/** A command's result as a sentence: its text is a table for programs. */
async function heard(result: CommandResult): Promise<string> {
  return nextSentences(await resultWords(result), 0, true).words;
}

/** Follows the answer while it is written, and says its end. */
export function Announcer({ session, messageId }: { session: Session; messageId: string | undefined }) {
  const [words, setWords] = useState("");
  const followed = useRef<{ id: string; upTo: number }>(undefined);
  useEffect(() => {
    if (messageId) {
      followed.current = { id: messageId, upTo: 0 };
    }
    const timer = setInterval(() => {
      const now = followed.current;
      if (!now) {
        return;
      }
      const { tree, answers } = session.store.getState();
      const message = tree.messages.get(now.id);
      const over = !message || isOver(message);
      const result = message?.commandResult;
      if (result) {
        followed.current = undefined;
        // Without the words there is the card.
        heard(result).then(setWords, () => {});
      }
      if (result || (message?.command && !over)) {
        return;
      }
      const text = (over ? message?.content : answers.get(now.id)?.text) ?? "";
      const said = nextSentences(text, now.upTo, over);
      followed.current = over && said.upTo >= text.length ? undefined : { id: now.id, upTo: said.upTo };
      if (said.words !== "") {
        setWords(said.words);
      }
    }, PACE_MS);
    return () => clearInterval(timer);
  }, [session, messageId]);
  return (
    <div className={styles.unseen} aria-live="polite" role="status" aria-label="The newest of the answer">
      {words}
    </div>
  );
}
