// The last lines of an agent in a conversation, and what comes after them on demand. It must not know the agent's job.

import { Square, SquareTerminal, WrapText } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import type { CommandResult_Log } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { useView } from "../layout/view.ts";
import { Button, FailureNote } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./Card.module.css";
import { CardBox } from "./CardBox.tsx";
import { useLog } from "./log.ts";
import { isAgentOver } from "./rows.ts";
import { StateIcon, StateWord } from "./StateIcon.tsx";
import { agentWords } from "./words.ts";

export function LogCard({ log }: { log: CommandResult_Log }) {
  const [follow, setFollow] = useState(false);
  const agent = useWorkspace((state) => state.agents.get(log.agentId));
  const more = useLog(log.terminalId, { offset: log.offset }, follow);
  const pre = useRef<HTMLPreElement>(null);
  const state = agent && agentWords(agent.state, agent.exit);
  const over = agent !== undefined && isAgentOver(agent.state);
  // What is told are whole lines, without the end of the last one.
  const text = log.text && more.text ? `${log.text}\n${more.text}` : log.text + more.text;

  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the text has grown
  useLayoutEffect(() => {
    if (follow && pre.current) {
      pre.current.scrollTop = pre.current.scrollHeight;
    }
  }, [text, follow]);

  return (
    <CardBox label="Log">
      <h3 className={styles.title}>
        {state && <StateIcon icon={state.icon} tone={state.tone} size={15} />}
        {agent?.name ?? "Log"}
        {state && (
          <span className={styles.state}>
            <StateWord state={state} />
          </span>
        )}
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keys */}
      <pre ref={pre} className={styles.log} tabIndex={0}>
        {text || "Nothing was printed."}
      </pre>
      {more.failure && <FailureNote failure={more.failure} />}
      <div className={styles.deeds}>
        <Button
          size="small"
          icon={follow ? Square : WrapText}
          aria-pressed={follow}
          onClick={() => setFollow(!follow)}
        >
          {follow ? "Stop following" : over ? "The rest" : "Follow"}
        </Button>
        <Button
          size="small"
          variant="ghost"
          icon={SquareTerminal}
          onClick={() => useView.getState().openTerminal(log.terminalId)}
        >
          Open terminal
        </Button>
        {more.ended && <span className={styles.dim}>It has ended.</span>}
      </div>
    </CardBox>
  );
}
