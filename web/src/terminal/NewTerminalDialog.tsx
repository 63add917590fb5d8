// Asks what a new terminal runs: a shell or a command line, where, under which name. It must not know the server.

import { useRef, useState } from "react";
import type { Failure } from "../api/failure.ts";
import { Button, Dialog, FailureNote, Field, Input } from "../ui/index.ts";
import type { NewTerminal } from "./actions.ts";
import styles from "./lists.module.css";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Answers why it does not run. */
  onCreate: (what: NewTerminal) => Promise<Failure | undefined>;
}

export function NewTerminalDialog({ open, onOpenChange, onCreate }: Props) {
  const [shell, setShell] = useState("");
  const [cwd, setCwd] = useState("");
  const [name, setName] = useState("");
  const [failure, setFailure] = useState<Failure>();
  const first = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const cwdError = cwd !== "" && !cwd.startsWith("/") ? "An absolute path begins with /." : undefined;

  const create = async (event: React.FormEvent) => {
    event.preventDefault();
    if (busy || cwdError !== undefined) {
      return;
    }
    setBusy(true);
    const why = await onCreate({ shell: shell.trim(), cwd: cwd.trim(), name: name.trim() });
    setFailure(why);
    if (why === undefined) {
      setShell("");
      setName("");
      onOpenChange(false);
    }
    setBusy(false);
  };

  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New terminal"
      initialFocus={first}
      footer={
        <>
          <Button variant="ghost" onClick={() => onOpenChange(false)}>
            Cancel
          </Button>
          <Button
            variant="primary"
            type="submit"
            form="new-terminal"
            busy={busy}
            disabled={cwdError !== undefined}
          >
            Start
          </Button>
        </>
      }
    >
      <form id="new-terminal" className={styles.form} onSubmit={create}>
        <Field label="Command line" hint="Empty: your login shell.">
          <Input
            ref={first}
            value={shell}
            onChange={(event) => setShell(event.target.value)}
            placeholder="make test"
            spellCheck={false}
            autoCapitalize="off"
            maxLength={100_000}
          />
        </Field>
        <Field label="Working directory" hint="Empty: home." error={cwdError}>
          <Input
            value={cwd}
            onChange={(event) => setCwd(event.target.value)}
            placeholder="/srv/project"
            spellCheck={false}
            autoCapitalize="off"
            maxLength={4096}
          />
        </Field>
        <Field label="Name" hint="Empty: one is made up.">
          <Input
            value={name}
            onChange={(event) => setName(event.target.value)}
            spellCheck={false}
            maxLength={128}
          />
        </Field>
        {failure && <FailureNote failure={failure} />}
      </form>
    </Dialog>
  );
}
