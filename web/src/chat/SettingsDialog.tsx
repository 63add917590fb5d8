// The settings of a conversation: model, instructions, how to sample; of one that is there, or of a new one.
// It must not know where they are kept.

import { type FormEvent, useId, useState } from "react";
import { Button, Dialog, Field, Input, Switch, TextArea } from "../ui/index.ts";
import { ModelPicker } from "./ModelPicker.tsx";
import { modelOf, useModels } from "./models.ts";
import styles from "./SettingsDialog.module.css";
import { formOf, parseForm, type SettingsErrors, type SettingsForm } from "./settings.ts";
import type { Settings } from "./state.ts";

interface SettingsDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  settings: Settings;
  /** Settles when they are kept. */
  onSave: (settings: Settings) => Promise<void>;
}

export function SettingsDialog({ open, onOpenChange, settings, onSave }: SettingsDialogProps) {
  const form = useId();
  const [busy, setBusy] = useState(false);
  const save = async (next: Settings) => {
    setBusy(true);
    try {
      await onSave(next);
      onOpenChange(false);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Conversation settings"
      description="For the answers from now on."
      footer={
        <>
          <Button variant="ghost" onClick={() => onOpenChange(false)}>
            Cancel
          </Button>
          <Button variant="primary" type="submit" form={form} disabled={busy}>
            Save
          </Button>
        </>
      }
    >
      {open && <Form id={form} settings={settings} onSave={save} />}
    </Dialog>
  );
}

function Form({
  id,
  settings,
  onSave,
}: {
  id: string;
  settings: Settings;
  onSave: (settings: Settings) => Promise<void>;
}) {
  const [form, setForm] = useState(() => formOf(settings));
  const [errors, setErrors] = useState<SettingsErrors>({});
  const { models } = useModels(false);
  const model = modelOf(models, form.model);
  const set = (news: Partial<SettingsForm>) => {
    setForm({ ...form, ...news });
    setErrors({});
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const parsed = parseForm(form, settings.parameters);
    setErrors(parsed.errors);
    if (parsed.settings) {
      void onSave(parsed.settings);
    }
  };
  return (
    <form id={id} className={styles.form} onSubmit={submit}>
      <div className={styles.model}>
        <span>Model</span>
        <ModelPicker value={form.model} onChange={(name) => set({ model: name })} side="bottom" />
      </div>
      <Field
        label="Instructions"
        hint="What the model is told before the first message."
        error={errors.system}
      >
        <TextArea rows={5} value={form.system} onChange={(event) => set({ system: event.target.value })} />
      </Field>
      <div className={styles.pair}>
        <Field label="Temperature" hint="0 to 2; empty: the model's choice" error={errors.temperature}>
          <Input
            inputMode="decimal"
            value={form.temperature}
            onChange={(event) => set({ temperature: event.target.value })}
          />
        </Field>
        <Field label="Longest answer" hint="In tokens; empty: the model's limit" error={errors.maxTokens}>
          <Input
            inputMode="numeric"
            value={form.maxTokens}
            onChange={(event) => set({ maxTokens: event.target.value })}
          />
        </Field>
      </div>
      {(model?.thinking !== false || form.thinking) && (
        <div className={styles.pair}>
          <Switch
            label="Think before answering"
            checked={form.thinking}
            onChange={(thinking) => set({ thinking })}
          />
          {form.thinking && (
            <Field label="Tokens for thinking" hint="1,024 or more" error={errors.thinkingTokens}>
              <Input
                inputMode="numeric"
                value={form.thinkingTokens}
                onChange={(event) => set({ thinkingTokens: event.target.value })}
              />
            </Field>
          )}
        </div>
      )}
    </form>
  );
}
