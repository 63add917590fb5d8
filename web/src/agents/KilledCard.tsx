// What a kill came to, in a conversation: the receipts. It must not know how it was asked for.

import { PanelRight } from "lucide-react";
import type { CommandResult_Killed } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { useView } from "../layout/view.ts";
import { Button } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./Card.module.css";
import { CardBox } from "./CardBox.tsx";
import { ReceiptView } from "./ReceiptView.tsx";
import { killedWords } from "./result-words.ts";
import { StateIcon } from "./StateIcon.tsx";
import { jobWords } from "./words.ts";

export function KilledCard({ killed }: { killed: CommandResult_Killed }) {
  const { agents, job } = killed;
  const now = useWorkspace((state) => state.agents);
  const words = job && jobWords(job.state);
  return (
    <CardBox label="What was ended">
      <h3 className={styles.title}>
        <StateIcon icon={words?.icon ?? "cancelled"} tone={words?.tone ?? "neutral"} size={15} />
        {killedWords(killed)}
      </h3>
      {agents.length === 0 && job && <p className={styles.body}>It had no agent: it never ran.</p>}
      <ul className={styles.rows}>
        {agents.map((told) => {
          // The receipt may have been written by another server since.
          const agent = told.receipt ? told : (now.get(told.id) ?? told);
          const { receipt } = agent;
          return (
            <li key={agent.id}>
              {receipt ? (
                <details className={styles.receipt} open={agents.length === 1}>
                  <summary>
                    <StateIcon
                      icon={receipt.proven ? "done" : "other"}
                      tone={receipt.proven ? "good" : "warn"}
                      size={14}
                    />
                    <span className={styles.name}>{agent.name}</span>
                    <span className={styles.dim}>
                      {receipt.proven ? "nothing of it is left" : "something may be left"}
                    </span>
                  </summary>
                  <div>
                    <ReceiptView receipt={receipt} name={agent.name} />
                  </div>
                </details>
              ) : (
                <p className={styles.body}>{agent.name} had ended by itself.</p>
              )}
            </li>
          );
        })}
      </ul>
      {job && (
        <div className={styles.foot}>
          <Button
            size="small"
            variant="ghost"
            icon={PanelRight}
            onClick={() => useView.getState().openAgent(job.agentId || job.id)}
          >
            Details
          </Button>
        </div>
      )}
    </CardBox>
  );
}
