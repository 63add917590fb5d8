// Asks before an agent is ended or a waiting job cancelled, and shows the receipt after. It must not know from where.

import { CircleCheck } from "lucide-react";
import { useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Agent, Receipt } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { Button, Dialog, FailureNote, Field, Input, Switch } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import type { KillTarget } from "./dialogs.ts";
import styles from "./KillDialog.module.css";
import { ReceiptView } from "./ReceiptView.tsx";

interface KillDialogProps {
  target: KillTarget;
  open: boolean;
  onClose(): void;
}

type Phase = { asks: true; failure?: Failure } | { asks: false; receipt?: Receipt; agent?: Agent };

const REASON_MAX = 1000;

export function KillDialog({ target, open, onClose }: KillDialogProps) {
  const clients = useClients();
  const [reason, setReason] = useState("");
  const [force, setForce] = useState(false);
  const [busy, setBusy] = useState(false);
  const [phase, setPhase] = useState<Phase>({ asks: true });
  const { name, jobId, agentId } = target;

  const run = async () => {
    setBusy(true);
    try {
      if (agentId) {
        const { receipt, agent } = await clients.agents.killAgent({ agentId, reason, force });
        setPhase({ asks: false, receipt, agent });
      } else {
        await clients.agents.cancelJob({ jobId, reason });
        onClose();
      }
    } catch (error) {
      setPhase({ asks: true, failure: failureOf(error) });
    } finally {
      setBusy(false);
    }
  };

  if (!phase.asks) {
    return (
      <Dialog
        open={open}
        onOpenChange={(next) => !next && onClose()}
        title={phase.receipt ? `${name} is ended` : `${name} is over`}
        width="small"
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        {phase.receipt ? (
          <ReceiptView receipt={phase.receipt} name={name} />
        ) : (
          <p className={styles.note}>
            <CircleCheck size={16} aria-hidden />
            {phase.agent ? "Another server is ending it; it will be gone soon." : "There was nothing to end."}
          </p>
        )}
      </Dialog>
    );
  }
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={agentId ? `Kill ${name}?` : `Cancel ${name}?`}
      description={
        agentId
          ? "The agent and everything that it started are ended, and its job with it."
          : "The job will not run. You can retry it later."
      }
      width="small"
      footer={
        <>
          <Button onClick={onClose}>{agentId ? "Cancel" : "Keep it"}</Button>
          <Button variant="danger" busy={busy} onClick={() => void run()}>
            {agentId ? "Kill" : "Cancel the job"}
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
        {phase.failure && <FailureNote failure={phase.failure} />}
        <Field label="Reason" hint="For the record; may be empty">
          <Input value={reason} onValueChange={setReason} maxLength={REASON_MAX} autoComplete="off" />
        </Field>
        {agentId && (
          <Switch
            label="By force"
            hint="SIGKILL at once, without 5 s to clean up"
            checked={force}
            onChange={setForce}
          />
        )}
        <button type="submit" hidden aria-hidden tabIndex={-1} />
      </form>
    </Dialog>
  );
}
