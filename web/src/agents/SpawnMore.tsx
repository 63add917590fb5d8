// The fields of a new job that are seldom needed. It must not know what becomes of them.

import { ChevronRight, Plus, X } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { Button, Field, IconButton, Input, Switch } from "../ui/index.ts";
import styles from "./SpawnMore.module.css";
import { LABELS_MAX, type Pair, type SpawnErrors, type SpawnForm } from "./spawn-form.ts";

const ENV_MAX = 100;

interface SpawnMoreProps {
  form: SpawnForm;
  errors: SpawnErrors;
  /** One of its fields is wrong: they have to be seen. */
  opened: boolean;
  onChange(changed: Partial<SpawnForm>): void;
}

export function SpawnMore({ form, errors, opened, onChange }: SpawnMoreProps) {
  const [wanted, setWanted] = useState(false);
  const id = useId();
  // It stays open: whoever mends what was wrong in it would lose the field under their hands.
  if (opened && !wanted) {
    setWanted(true);
  }
  const open = wanted || opened;
  type TextField =
    | "priority"
    | "attempts"
    | "backoff"
    | "queuedTimeout"
    | "timeout"
    | "outputTimeout"
    | "tokenBudget";
  const field = (name: TextField, label: string, hint: string, placeholder: string) => (
    <Field label={label} hint={hint} error={errors[name]}>
      <Input
        value={form[name]}
        onValueChange={(text) => onChange({ [name]: text })}
        placeholder={placeholder}
        maxLength={32}
        autoComplete="off"
        spellCheck={false}
        inputMode={
          name === "priority" || name === "attempts" || name === "tokenBudget" ? "numeric" : undefined
        }
      />
    </Field>
  );
  return (
    <div>
      <button
        type="button"
        className={styles.toggle}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setWanted(!open)}
      >
        <ChevronRight size={14} aria-hidden />
        More
        <span className={styles.dim}>environment, attempts, time-outs, budget, labels</span>
      </button>
      <div id={id} hidden={!open} className={styles.more}>
        <Pairs
          label="Environment"
          one="variable"
          hint="Stored with the job, where everyone of the workspace may come to see it: not for secrets."
          warn={form.env.length > 0}
          error={errors.env}
          pairs={form.env}
          max={ENV_MAX}
          onChange={(env) => onChange({ env })}
        />
        <div className={styles.grid}>
          {field("priority", "Priority", "1 to 10; higher goes first", "5")}
          {field("attempts", "Attempts", "If the program fails, up to 20", "1")}
          {field("backoff", "Back-off", "Before the second; it doubles", "5s")}
          {field("timeout", "Time limit", "Of each attempt", "2h")}
          {field("outputTimeout", "Silence limit", "Without any output", "for ever")}
          {field("queuedTimeout", "Waiting limit", "Until its first start", "for ever")}
          {field("tokenBudget", "Token budget", "Of all attempts together", "no limit")}
        </div>
        <Switch
          label="Run again when lost"
          hint="If its server does not come back. It may then run twice at the same time."
          checked={form.rerunWhenLost}
          onChange={(rerunWhenLost) => onChange({ rerunWhenLost })}
        />
        <Pairs
          label="Labels"
          one="label"
          hint="Whatever you want to find it by."
          error={errors.labels}
          pairs={form.labels}
          max={LABELS_MAX}
          onChange={(labels) => onChange({ labels })}
        />
      </div>
    </div>
  );
}

interface PairsProps {
  label: string;
  /** What one of them is called. */
  one: string;
  hint: ReactNode;
  /** The hint is a warning now. */
  warn?: boolean;
  error?: string;
  pairs: readonly Pair[];
  max: number;
  onChange(pairs: readonly Pair[]): void;
}

function Pairs({ label, one, hint, warn, error, pairs, max, onChange }: PairsProps) {
  const set = (at: number, changed: Partial<Pair>) =>
    onChange(pairs.map((pair, index) => (index === at ? { ...pair, ...changed } : pair)));
  return (
    <fieldset className={styles.pairs}>
      <legend>{label}</legend>
      {pairs.map((pair, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
        <div key={at} className={styles.pair}>
          <Input
            aria-label={`Name of ${one} ${at + 1}`}
            placeholder="NAME"
            value={pair.name}
            onValueChange={(name) => set(at, { name })}
            maxLength={256}
            autoComplete="off"
            spellCheck={false}
            className={styles.mono}
          />
          <Input
            aria-label={`Value of ${one} ${at + 1}`}
            placeholder="value"
            value={pair.value}
            onValueChange={(value) => set(at, { value })}
            maxLength={32_768}
            autoComplete="off"
            spellCheck={false}
            className={styles.mono}
          />
          <IconButton
            label={`Remove ${one} ${at + 1}`}
            icon={X}
            onClick={() => onChange(pairs.filter((_, index) => index !== at))}
          />
        </div>
      ))}
      <p
        className={error ? styles.error : warn ? styles.warning : styles.dim}
        role={error ? "alert" : undefined}
      >
        {error ?? hint}
      </p>
      {pairs.length < max && (
        <Button size="small" icon={Plus} onClick={() => onChange([...pairs, { name: "", value: "" }])}>
          Add a {one}
        </Button>
      )}
    </fieldset>
  );
}
