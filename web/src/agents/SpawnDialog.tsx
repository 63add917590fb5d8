// The form for a new job. It must not know where it is opened from.

import { Play } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import { type Profile, Profile_Kind } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { uuidv7 } from "../api/uuid.ts";
import { Button, Dialog, FailureNote, Field, Input, Kbd, Select, Spinner, TextArea } from "../ui/index.ts";
import { useClients, useWorkspace } from "../workspace/hooks.tsx";
import { useMay } from "./deeds.ts";
import { JobPicker } from "./JobPicker.tsx";
import { offeredJobs } from "./job-choice.ts";
import { readLast, writeLast } from "./last-spawn.ts";
import { type Profiles, useProfiles } from "./profiles.ts";
import styles from "./SpawnDialog.module.css";
import { SpawnMore } from "./SpawnMore.tsx";
import {
  EMPTY_FORM,
  fieldErrorsOf,
  MORE_FIELDS,
  noJobWords,
  RequestIds,
  requestOf,
  type SpawnErrors,
  type SpawnForm,
  settled,
} from "./spawn-form.ts";

interface SpawnDialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  /** What the form begins with. */
  first?: Partial<SpawnForm>;
}

export function SpawnDialog({ open, onOpenChange, first }: SpawnDialogProps) {
  // The form is made anew each time it opens, and stays while the dialog closes.
  const [round, setRound] = useState(0);
  const [wasOpen, setWasOpen] = useState(open);
  if (open !== wasOpen) {
    setWasOpen(open);
    setRound(open ? round + 1 : round);
  }
  const profiles = useProfiles(open);
  // What was typed and not sent is there again, unless the form begins with something else.
  const draft = useRef<Partial<SpawnForm>>(undefined);
  const fresh = first === undefined || Object.keys(first).length === 0;
  return profiles ? (
    <Form
      key={round}
      open={open}
      onOpenChange={onOpenChange}
      profiles={profiles}
      first={{ ...readLast(profiles.byName), ...(fresh ? draft.current : first) }}
      onLeave={(form) => {
        draft.current = fresh ? form : undefined;
      }}
    />
  ) : (
    <Dialog open={open} onOpenChange={onOpenChange} title="Spawn an agent">
      <Spinner />
    </Dialog>
  );
}

interface Prompt {
  label: string;
  placeholder: string;
  hint: string;
  mono: boolean;
}

function promptOf(profile: Profile | undefined): Prompt {
  switch (profile?.kind) {
    case Profile_Kind.COMMAND:
      return {
        label: "Prompt",
        placeholder: "What the program is told to do",
        hint: "It is one of the program's arguments.",
        mono: false,
      };
    case Profile_Kind.TUI:
      return {
        label: "Prompt",
        placeholder: "What is typed once the program runs",
        hint: "The program goes on until it is ended: sit down at its terminal.",
        mono: false,
      };
    default:
      return {
        label: "Command line",
        placeholder: "make test",
        hint: "It runs in the user’s shell, in a terminal of its own.",
        mono: true,
      };
  }
}

interface FormProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  profiles: Profiles;
  first: Partial<SpawnForm>;
  /** What it holds, each time that it closes; undefined: that was sent. */
  onLeave(form: SpawnForm | undefined): void;
}

function Form({ open, onOpenChange: onOpen, profiles, first, onLeave }: FormProps) {
  const [form, setForm] = useState<SpawnForm>({ ...EMPTY_FORM, profile: profiles.first, ...first });
  const may = useMay();
  const prompt = useRef<HTMLTextAreaElement>(null);
  const profile = profiles.byName.get(form.profile);
  const words = promptOf(profile);
  const leave = (left?: SpawnForm) => {
    onLeave(left);
    onOpen(false);
  };
  const { errors, failure, sending, submit, forget, blame, settle } = useSpawn(form, profile?.kind, leave);
  const change = (changed: Partial<SpawnForm>) => {
    setForm((before) => ({ ...before, ...changed }));
    forget(Object.keys(changed) as (keyof SpawnForm)[]);
  };
  const leaveJobs = () => {
    const { dependsOn, dependsOnText } = settle();
    if (dependsOnText !== form.dependsOnText) {
      change({ dependsOn, dependsOnText });
    } else {
      blame({ dependsOnText: noJobWords(dependsOnText) });
    }
  };
  const moreIsWrong = MORE_FIELDS.some((field) => errors[field]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void submit();
    }
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && leave(form)}
      title="Spawn an agent"
      width="medium"
      dismissible={form.prompt === ""}
      initialFocus={prompt}
      footer={
        <>
          <span className={styles.keys}>
            <Kbd keys="Mod+Enter" />
          </span>
          <Button onClick={() => leave()}>Cancel</Button>
          <Button
            variant="primary"
            icon={Play}
            busy={sending}
            disabled={!may.act}
            aria-keyshortcuts="Control+Enter Meta+Enter"
            onClick={() => void submit()}
          >
            Spawn
          </Button>
        </>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Ctrl+Enter works in every field */}
      <div className={styles.form} onKeyDown={onKeyDown}>
        {!may.act && <p className={styles.warning}>{may.why}</p>}
        {profiles.failure && <FailureNote failure={profiles.failure} />}
        {failure && <FailureNote failure={failure} retry={() => void submit()} />}
        <ProfileField profiles={profiles} value={form.profile} error={errors.profile} onChange={change} />
        <Field label={words.label} hint={words.hint} error={errors.prompt}>
          <TextArea
            ref={prompt}
            rows={words.mono ? 3 : 6}
            value={form.prompt}
            onValueChange={(text) => change({ prompt: text })}
            placeholder={words.placeholder}
            maxLength={65_536}
            spellCheck={!words.mono}
            autoCapitalize={words.mono ? "off" : undefined}
            className={words.mono ? styles.mono : undefined}
          />
        </Field>
        <div className={styles.two}>
          <Field label="Name" hint="Made up if empty" error={errors.name}>
            <Input
              value={form.name}
              onValueChange={(name) => change({ name })}
              maxLength={128}
              autoComplete="off"
              spellCheck={false}
            />
          </Field>
          <Field
            label="Directory"
            hint={form.repository.trim() ? "Within the worktree" : "Empty: the profile's, or home"}
            error={errors.cwd}
          >
            <Input
              value={form.cwd}
              onValueChange={(cwd) => change({ cwd })}
              placeholder={form.repository.trim() ? "." : "/srv/project"}
              maxLength={4096}
              autoComplete="off"
              spellCheck={false}
              className={styles.mono}
            />
          </Field>
          <Field
            label="Repository"
            hint="It gets a worktree and a branch of its own"
            error={errors.repository}
          >
            <Input
              value={form.repository}
              onValueChange={(repository) => change({ repository })}
              placeholder="/srv/project"
              maxLength={4096}
              autoComplete="off"
              spellCheck={false}
              className={styles.mono}
            />
          </Field>
          <Field label="Begins at" hint="A branch, tag or commit; empty: HEAD" error={errors.base}>
            <Input
              value={form.base}
              onValueChange={(base) => change({ base })}
              placeholder="main"
              maxLength={1024}
              autoComplete="off"
              spellCheck={false}
              className={styles.mono}
            />
          </Field>
        </div>
        <JobPicker
          value={form.dependsOn}
          text={form.dependsOnText}
          error={errors.dependsOnText ?? errors.dependsOn}
          onChange={change}
          onLeave={leaveJobs}
        />
        <SpawnMore form={form} errors={errors} opened={moreIsWrong} onChange={change} />
      </div>
    </Dialog>
  );
}

interface ProfileFieldProps {
  profiles: Profiles;
  value: string;
  error?: string;
  onChange(changed: Partial<SpawnForm>): void;
}

function ProfileField({ profiles, value, error, onChange }: ProfileFieldProps) {
  const profile = profiles.byName.get(value);
  const options = profiles.profiles.map((one) => ({
    value: one.name,
    label: one.name,
    hint: one.available ? one.description : one.unavailableReason,
    disabled: !one.available,
  }));
  const below = error ?? (profile && !profile.available ? profile.unavailableReason : undefined);
  return (
    <div className={styles.profile}>
      <Select
        label="Profile"
        value={value}
        options={options}
        onChange={(name) => onChange({ profile: name })}
      />
      {below ? (
        <p className={styles.error} role="alert">
          {below}
        </p>
      ) : (
        profile?.description && <p className={styles.hint}>{profile.description}</p>
      )}
    </div>
  );
}

function useSpawn(form: SpawnForm, kind: Profile_Kind | undefined, onDone: () => void) {
  const clients = useClients();
  const jobs = useWorkspace((state) => state.jobs);
  const [ids] = useState(() => new RequestIds(uuidv7));
  const [errors, setErrors] = useState<SpawnErrors>({});
  const [failure, setFailure] = useState<Failure>();
  const [sending, setSending] = useState(false);
  const left = useRef(false);
  useEffect(() => {
    left.current = false;
    return () => {
      left.current = true;
    };
  }, []);
  const settle = () => settled(form, offeredJobs(jobs, form.dependsOnText));
  const submit = async () => {
    if (sending) {
      return;
    }
    const whole = settle();
    const made = requestOf(whole, ids.idFor(whole), kind);
    setFailure(undefined);
    if ("errors" in made) {
      setErrors(made.errors);
      return;
    }
    setErrors({});
    setSending(true);
    try {
      await clients.agents.spawnAgent(made.request);
      ids.done();
      writeLast(form);
      if (!left.current) {
        onDone();
      }
    } catch (error) {
      const why = failureOf(error);
      const beside = fieldErrorsOf(why);
      setErrors(beside ?? {});
      setFailure(beside ? undefined : why);
    } finally {
      setSending(false);
    }
  };
  /** A field that is changed is no longer known to be wrong. */
  const forget = (fields: readonly (keyof SpawnForm)[]) => {
    setErrors((before) =>
      fields.some((field) => before[field])
        ? Object.fromEntries(
            Object.entries(before).filter(([field]) => !fields.includes(field as keyof SpawnForm)),
          )
        : before,
    );
  };
  const blame = (more: SpawnErrors) => setErrors((before) => ({ ...before, ...more }));
  return { errors, failure, sending, submit, forget, blame, settle };
}
