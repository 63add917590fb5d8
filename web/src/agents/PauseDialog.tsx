// Asks for the reason before the queue is paused. It must not know the queue.

import { useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import { Button, Dialog, FailureNote, Field, Input } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import { useQueueAnswer } from "./live.ts";

export function PauseDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  const clients = useClients();
  const takeQueue = useQueueAnswer();
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const run = async () => {
    setBusy(true);
    try {
      takeQueue((await clients.agents.pauseQueue({ reason })).queue);
      onClose();
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Pause the queue?"
      description="No further agent starts until it is resumed. Those that run go on."
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={busy} onClick={() => void run()}>
            Pause
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {failure && <FailureNote failure={failure} />}
        <Field label="Reason" hint="For those who ask; may be empty">
          <Input value={reason} onValueChange={setReason} maxLength={1000} autoComplete="off" />
        </Field>
      </form>
    </Dialog>
  );
}
