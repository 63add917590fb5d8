// Makes a token, says what it can do before and after, and shows its secret once. It must not know who gets it.

import { Check, Copy, TriangleAlert } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import type { CreateTokenResponse, Token } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { uuidv7 } from "../api/uuid.ts";
import { Button, copyText, Dialog, FailureNote, Field, Input, Select, Switch } from "../ui/index.ts";
import { useClients, useWorkspace } from "../workspace/hooks.tsx";
import styles from "./CreateTokenDialog.module.css";
import { LIFETIMES, type Lifetime, type MakeRole, nameProblem, ROLE_WORDS, ROLES, reachOf } from "./words.ts";

export interface CreateTokenDialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  onCreated(token: Token): void;
}

export function CreateTokenDialog({ open, onOpenChange, onCreated }: CreateTokenDialogProps) {
  const [made, setMade] = useState<CreateTokenResponse>();
  const change = (next: boolean) => {
    // The secret goes with the dialog.
    setMade(undefined);
    onOpenChange(next);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title={made ? "The token is made" : "New token"}
      dismissible={made === undefined}
    >
      {made ? (
        <Secret made={made} onDone={() => change(false)} />
      ) : (
        <Form
          onMade={(answer) => {
            setMade(answer);
            if (answer.token) onCreated(answer.token);
          }}
        />
      )}
    </Dialog>
  );
}

function Form({ onMade }: { onMade(made: CreateTokenResponse): void }) {
  const me = useWorkspace((state) => state.me);
  const [name, setName] = useState("");
  const [role, setRole] = useState<MakeRole>("member");
  const [lifetime, setLifetime] = useState<Lifetime>("2592000");
  const [terminal, setTerminal] = useState("");
  const [readOnly, setReadOnly] = useState(false);
  const [tried, setTried] = useState(false);
  const { create, busy, problem } = useCreate(onMade);
  const wrongName = tried ? nameProblem(name) : undefined;
  const reach = reachOf({ role, readOnly, terminal }, me);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || nameProblem(name)) return;
    void create({ name: name.trim(), role, lifetime, terminal: terminal.trim(), readOnly });
  };
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <Field label="Name" error={wrongName}>
        <Input value={name} onValueChange={setName} placeholder="CI of the web shop" autoComplete="off" />
      </Field>
      <div className={styles.pair}>
        <Select<MakeRole>
          label="Role"
          value={role}
          onChange={setRole}
          options={[
            { value: "viewer", label: "Viewer" },
            { value: "member", label: "Member" },
            { value: "admin", label: "Admin" },
          ]}
        />
        <Select<Lifetime> label="Good for" value={lifetime} onChange={setLifetime} options={LIFETIMES} />
      </div>
      <p className={styles.words}>{ROLE_WORDS[role]}</p>
      <OneTerminal value={terminal} onChange={setTerminal} />
      <Switch
        label="Read-only"
        hint="It may only look, whatever its role."
        checked={readOnly}
        onChange={setReadOnly}
      />
      {reach && <Warning text={reach} />}
      {problem && <FailureNote failure={problem} />}
      <div className={styles.buttons}>
        <Button type="submit" variant="primary" busy={busy}>
          Make the token
        </Button>
      </div>
    </form>
  );
}

const WHOLE = "workspace";

function OneTerminal({ value, onChange }: { value: string; onChange(value: string): void }) {
  const terminals = useWorkspace((state) => state.terminals);
  const options = [...terminals.values()].slice(0, 100).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Select<string>
      label="What it may see"
      value={value === "" ? WHOLE : value}
      onChange={(next) => onChange(next === WHOLE ? "" : next)}
      options={[
        { value: WHOLE, label: "The whole workspace" },
        ...options.map((each) => ({ ...each, label: `Only terminal ${each.label}` })),
      ]}
    />
  );
}

interface Wanted {
  name: string;
  role: MakeRole;
  lifetime: Lifetime;
  terminal: string;
  readOnly: boolean;
}

function useCreate(onMade: (made: CreateTokenResponse) => void) {
  const { workspace } = useClients();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Failure>();
  const create = async ({ name, role, lifetime, terminal, readOnly }: Wanted) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await workspace.createToken({
        // The secret of a call whose answer is lost cannot be had again: each try is a call of its own.
        requestId: uuidv7(),
        name,
        role: ROLES[role],
        lifetime: lifetime === "ever" ? undefined : { seconds: BigInt(lifetime), nanos: 0 },
        terminalId: terminal,
        readOnly,
      });
      onMade(answer);
    } catch (error) {
      setProblem(failureOf(error));
    }
    setBusy(false);
  };
  return { create, busy, problem };
}

function Secret({ made, onDone }: { made: CreateTokenResponse; onDone(): void }) {
  const [copied, setCopied] = useState<boolean>();
  const text = useRef<HTMLElement>(null);
  const copy = async () => {
    const done = await copyText(made.secret);
    setCopied(done);
    // Not allowed here: it is selected, so that a person can copy it.
    if (!done && text.current) window.getSelection()?.selectAllChildren(text.current);
  };
  return (
    <div className={styles.form}>
      <p>
        This is the only time that <strong>{made.token?.name}</strong>’s secret is shown. Copy it now, and
        keep it where nobody else reads it.
      </p>
      <div className={styles.secret}>
        <code ref={text} className={styles.secretText} data-secret>
          {made.secret}
        </code>
        <Button icon={copied ? Check : Copy} onClick={() => void copy()}>
          {copied ? "Copied" : "Copy"}
        </Button>
      </div>
      <p role="status" className={styles.words}>
        {copied === true && "It is on the clipboard."}
        {copied === false &&
          "The browser does not allow it: the secret is selected, copy it with the keyboard."}
      </p>
      {made.warning && <Warning text={made.warning} />}
      <div className={styles.buttons}>
        <Button variant="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  );
}

function Warning({ text }: { text: string }) {
  return (
    <p className={styles.warning}>
      <TriangleAlert size={16} aria-hidden className={styles.warningIcon} />
      <span>{text}</span>
    </p>
  );
}
