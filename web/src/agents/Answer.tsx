// What an agent asks, large, and where it is answered: quick answers, a line of text. It must not know the rest of it.

import { CornerDownLeft, SendHorizontal } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import {
  type Agent,
  Agent_State,
  type Job,
  Job_State,
} from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { uuidv7 } from "../api/uuid.ts";
import { Button, FailureNote, IconButton, Input } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import styles from "./Answer.module.css";
import { useMay } from "./deeds.ts";
import { StateIcon } from "./StateIcon.tsx";
import { RequestIds } from "./spawn-form.ts";

interface AnswerProps {
  job: Job;
  agent?: Agent;
  /** Also while it asks nothing. */
  quiet?: boolean;
  /** Smaller. */
  compact?: boolean;
}

export function Answer({ job, agent, quiet, compact }: AnswerProps) {
  const asks = job.state === Job_State.INPUT_REQUIRED;
  const runs = asks || job.state === Job_State.RUNNING;
  if (!agent || !runs || agent.state > Agent_State.STOPPING || (!quiet && !asks)) {
    return null;
  }
  return (
    <div className={asks ? styles.asks : styles.quiet} data-compact={compact || undefined}>
      {asks && (
        <div className={styles.question}>
          <StateIcon icon="asks" tone="warn" size={compact ? 15 : 18} />
          <p className={styles.words}>
            <span className="visually-hidden">It asks: </span>
            {job.question || "Its program waits for input."}
          </p>
        </div>
      )}
      <AnswerForm key={agent.id} agentId={agent.id} name={job.name} quick={asks} />
    </div>
  );
}

function useSend(agentId: string) {
  const clients = useClients();
  const [ids] = useState(() => new RequestIds(uuidv7));
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [last, setLast] = useState<readonly [text: string, noEnter: boolean]>();
  /** True if it was typed. The same again after a failure is typed once. */
  const send = async (text: string, noEnter: boolean): Promise<boolean> => {
    setSending(true);
    setLast([text, noEnter]);
    try {
      await clients.agents.sendInput({ agentId, text, noEnter, requestId: ids.idFor([text, noEnter]) });
      ids.done();
      setFailure(undefined);
      return true;
    } catch (error) {
      setFailure(failureOf(error));
      return false;
    } finally {
      setSending(false);
    }
  };
  return { send, sending, failure, last };
}

/** No program that is quiet asks again so soon. */
const ANSWERED_MS = 2_000;

/** True for a moment after an answer: a second press of the key would answer what is asked next. */
function useAnswered(): [answered: boolean, setAnswered: () => void] {
  const [at, setAt] = useState<number>();
  useEffect(() => {
    if (at === undefined) {
      return;
    }
    const timer = setTimeout(() => setAt(undefined), ANSWERED_MS);
    return () => clearTimeout(timer);
  }, [at]);
  return [at !== undefined, () => setAt(Date.now())];
}

const QUICK: readonly { label: string; text: string; name: string }[] = [
  { label: "y", text: "y", name: "Answer y" },
  { label: "n", text: "n", name: "Answer n" },
  { label: "Enter", text: "", name: "Press Enter" },
];

function Quick({ disabled, onAnswer }: { disabled: boolean; onAnswer(text: string): void }) {
  return (
    <fieldset className={styles.quick} aria-label="Quick answers">
      {QUICK.map(({ label, text, name }) => (
        <Button key={label} size="small" aria-label={name} disabled={disabled} onClick={() => onAnswer(text)}>
          {label}
        </Button>
      ))}
    </fieldset>
  );
}

function AnswerForm({ agentId, name, quick }: { agentId: string; name: string; quick: boolean }) {
  const may = useMay();
  const [text, setText] = useState("");
  const [enter, setEnter] = useState(true);
  const input = useRef<HTMLInputElement>(null);
  const { send, sending, failure, last } = useSend(agentId);
  const [answered, setAnswered] = useAnswered();
  const empty = !text && (!enter || answered);
  const quickly = async (answer: string) => {
    if (await send(answer, false)) {
      setAnswered();
    }
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!empty && (await send(text, !enter))) {
      setText("");
      setAnswered();
    }
    input.current?.focus();
  };
  // What failed, whatever was typed since.
  const again = async (failed: string, noEnter: boolean) => {
    if ((await send(failed, noEnter)) && failed === text) {
      setText("");
    }
  };
  if (!may.act) {
    return quick ? <p className={styles.why}>{may.why}</p> : null;
  }
  return (
    <>
      {quick && <Quick disabled={sending || answered} onAnswer={(answer) => void quickly(answer)} />}
      <form className={styles.form} onSubmit={(event) => void submit(event)}>
        <Input
          ref={input}
          aria-label={`Type a line to ${name}`}
          placeholder={quick ? "Answer" : "Type a line"}
          value={text}
          onValueChange={setText}
          maxLength={16_384}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          className={styles.input}
        />
        <IconButton
          label={enter ? "With Enter after it" : "Without Enter after it"}
          icon={CornerDownLeft}
          pressed={enter}
          onClick={() => setEnter(!enter)}
        />
        <IconButton label="Send" icon={SendHorizontal} type="submit" disabled={sending || empty} />
      </form>
      {failure && <FailureNote failure={failure} retry={last && (() => void again(...last))} />}
    </>
  );
}
