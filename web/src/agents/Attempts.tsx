// All attempts of a job, the newest first, each with its terminal. It must not know why there were several.

import { SquareTerminal } from "lucide-react";
import type { Agent } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useView } from "../layout/view.ts";
import { IconButton } from "../ui/index.ts";
import styles from "./Attempts.module.css";
import { Elapsed } from "./Elapsed.tsx";
import { isAgentOver } from "./rows.ts";
import { StateLabel } from "./StateIcon.tsx";
import { msOf } from "./time.ts";
import { agentWords, exitWords } from "./words.ts";

export function Attempts({ attempts }: { attempts: readonly Agent[] }) {
  return (
    <ol className={styles.attempts} reversed>
      {[...attempts].reverse().map((agent) => (
        <li key={agent.id}>
          <span className={styles.number}>{agent.attempt}</span>
          <StateLabel state={agentWords(agent.state, agent.exit)} />
          <span className={styles.how}>
            {agent.exit && agent.exit.code === undefined && exitWords(agent.exit)}
          </span>
          <Elapsed
            className={styles.time}
            since={msOf(agent.startTime ?? agent.createTime) ?? 0}
            until={isAgentOver(agent.state) ? (msOf(agent.endTime) ?? msOf(agent.createTime)) : undefined}
          />
          {agent.terminalId && (
            <IconButton
              label={`Open the terminal of attempt ${agent.attempt}`}
              icon={SquareTerminal}
              size="small"
              onClick={() => useView.getState().openTerminal(agent.terminalId)}
            />
          )}
        </li>
      ))}
    </ol>
  );
}
