// The kill switch: asks with typed words, ends everything, and shows what it came to. It must not know single agents.

import { ShieldAlert, ShieldCheck } from "lucide-react";
import { useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import type { KillAllResponse } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { Button, Dialog, FailureNote, Field, Input, Switch } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import { useMay } from "./deeds.ts";
import styles from "./KillDialog.module.css";
import { useQueue } from "./live.ts";
import { ReceiptView } from "./ReceiptView.tsx";
import { StateIcon } from "./StateIcon.tsx";
import { countWords } from "./words.ts";

const TYPED = "kill all";

export function KillAllDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  const clients = useClients();
  const may = useMay();
  const queue = useQueue(open);
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const [force, setForce] = useState(false);
  const [pause, setPause] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [done, setDone] = useState<KillAllResponse>();
  const ready = may.killAll && typed.trim().toLowerCase() === TYPED && !busy;

  const run = async () => {
    if (!ready) {
      return;
    }
    setBusy(true);
    setFailure(undefined);
    try {
      setDone(await clients.agents.killAll({ reason, force, pause }));
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };

  if (done) {
    return <Killed open={open} done={done} onClose={onClose} />;
  }
  const waiting = queue ? queue.ready + queue.blocked + queue.backingOff : 0;
  const now = queue
    ? ` Now: ${countWords(queue.running, "agent")} and ${countWords(waiting, "waiting job")}.`
    : "";
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Kill all agents?"
      description={`Every job of this workspace that waits is cancelled, and every agent is ended with all that it started.${now}`}
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="danger" busy={busy} disabled={!ready && !busy} onClick={() => void run()}>
            Kill all
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {!may.killAll && <p>{may.why}</p>}
        {failure && <FailureNote failure={failure} />}
        <Field label={`Type “${TYPED}” to go on`}>
          <Input
            value={typed}
            onValueChange={setTyped}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            maxLength={40}
          />
        </Field>
        <Field label="Reason" hint="For the receipts; may be empty">
          <Input value={reason} onValueChange={setReason} maxLength={1000} autoComplete="off" />
        </Field>
        <Switch
          label="By force"
          hint="SIGKILL at once, without 5 s to clean up"
          checked={force}
          onChange={setForce}
        />
        <Switch
          label="Also pause the queue"
          hint="Jobs that are spawned later wait until it is resumed"
          checked={pause}
          onChange={setPause}
        />
        <button type="submit" hidden aria-hidden tabIndex={-1} />
      </form>
    </Dialog>
  );
}

function Killed({ open, done, onClose }: { open: boolean; done: KillAllResponse; onClose(): void }) {
  // Else the first name would have it, and look chosen.
  const button = useRef<HTMLButtonElement>(null);
  const left = done.agents.filter((agent) => agent.receipt && !agent.receipt.proven).length;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Everything is ended"
      width="small"
      initialFocus={button}
      footer={
        <Button ref={button} variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <p className={styles.summary}>
        {countWords(done.agents.length, "agent")} ended, {countWords(done.cancelledJobs, "waiting job")}{" "}
        cancelled.
      </p>
      {done.agents.length > 0 && (
        <p className={styles.note}>
          {left === 0 ? <ShieldCheck size={16} aria-hidden /> : <ShieldAlert size={16} aria-hidden />}
          {left === 0
            ? "Nothing is known to be left."
            : `Of ${countWords(left, "agent")} something may be left.`}
        </p>
      )}
      <div className={styles.receipts}>
        {done.agents.map((agent) => (
          <details key={agent.id}>
            <summary>
              <StateIcon
                icon={agent.receipt?.proven ? "done" : "other"}
                tone={agent.receipt?.proven ? "good" : "warn"}
                size={14}
              />
              {agent.name}
            </summary>
            <div>
              {agent.receipt ? (
                <ReceiptView receipt={agent.receipt} name={agent.name} />
              ) : (
                "Another server ends it."
              )}
            </div>
          </details>
        ))}
      </div>
    </Dialog>
  );
}
