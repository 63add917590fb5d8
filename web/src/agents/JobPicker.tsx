// Chooses the jobs that must succeed before. It must not know what for.

import { Combobox } from "@base-ui/react/combobox";
import { Check, X } from "lucide-react";
import { useId, useMemo, useRef, useState } from "react";
import type { Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./JobPicker.module.css";
import { hasFailed, isOver } from "./rows.ts";
import { StateIcon } from "./StateIcon.tsx";
import { DEPENDENCIES_MAX } from "./spawn-form.ts";
import { msOf } from "./time.ts";
import { firstLine, jobWords } from "./words.ts";

interface JobPickerProps {
  /** Ids. */
  value: readonly string[];
  error?: string;
  onChange(value: string[]): void;
}

const SHOWN_MAX = 50;

export function JobPicker({ value, error, onChange }: JobPickerProps) {
  const jobs = useWorkspace((state) => state.jobs);
  const id = useId();
  const chips = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState("");
  // What has failed already could only fail this one as well.
  const offered = useMemo(() => {
    const offered = [...jobs.values()].filter((job) => !hasFailed(job.state));
    const place = (job: Job) => [rankOf(job, typed), isOver(job.state) ? 1 : 0, -(msOf(job.createTime) ?? 0)];
    return offered
      .map((job) => ({ id: job.id, place: place(job) }))
      .sort((a, b) => compare(a.place, b.place))
      .map(({ id }) => id);
  }, [jobs, typed]);
  const nameOf = (of: string) => jobs.get(of)?.name ?? of;
  return (
    <div className={styles.picker}>
      <label htmlFor={id} className={styles.label}>
        Starts after
      </label>
      <Combobox.Root
        items={offered}
        multiple
        value={[...value]}
        onValueChange={(next, details) => {
          if (details.reason === "escape-key") {
            // It would forget what was chosen; it is for the list that is open, and then for the dialog.
            details.allowPropagation();
          } else {
            onChange(next.slice(0, DEPENDENCIES_MAX));
          }
        }}
        onInputValueChange={setTyped}
        itemToStringLabel={nameOf}
        filter={(of, query) => matches(jobs.get(of), query)}
        limit={SHOWN_MAX}
        autoHighlight
        modal={false}
      >
        <Combobox.Chips ref={chips} className={styles.chips} data-invalid={error ? "" : undefined}>
          <Combobox.Value>
            {(chosen: string[]) => (
              <>
                {chosen.map((of) => (
                  <Combobox.Chip key={of} className={styles.chip} aria-label={nameOf(of)}>
                    {nameOf(of)}
                    <Combobox.ChipRemove className={styles.remove} aria-label={`Not after ${nameOf(of)}`}>
                      <X size={12} aria-hidden />
                    </Combobox.ChipRemove>
                  </Combobox.Chip>
                ))}
                <Combobox.Input
                  id={id}
                  className={styles.input}
                  placeholder={chosen.length === 0 ? "Jobs that must succeed before" : ""}
                  autoComplete="off"
                />
              </>
            )}
          </Combobox.Value>
        </Combobox.Chips>
        <Combobox.Portal>
          <Combobox.Positioner anchor={chips} className={styles.positioner} sideOffset={4}>
            <Combobox.Popup className={styles.popup}>
              <Combobox.Empty className={styles.empty}>No job has such a name.</Combobox.Empty>
              <Combobox.List>{(of: string) => <Option key={of} id={of} job={jobs.get(of)} />}</Combobox.List>
            </Combobox.Popup>
          </Combobox.Positioner>
        </Combobox.Portal>
      </Combobox.Root>
      {error && (
        <p className={styles.error} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

/** Whose name it is, whose begins so, whose has it, and then those that only do something of the kind. */
function rankOf({ name }: Job, typed: string): number {
  const [own, wanted] = [name.toLowerCase(), typed.trim().toLowerCase()];
  return own === wanted ? 0 : own.startsWith(wanted) ? 1 : own.includes(wanted) ? 2 : 3;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [at, of] of a.entries()) {
    const difference = of - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function matches(job: Job | undefined, query: string): boolean {
  const hay = job ? `${job.name}\n${job.prompt}`.toLowerCase() : "";
  return hay.includes(query.trim().toLowerCase());
}

function Option({ id, job }: { id: string; job?: Job }) {
  if (!job) {
    return null;
  }
  const state = jobWords(job.state);
  return (
    <Combobox.Item value={id} className={styles.option}>
      <StateIcon icon={state.icon} tone={state.tone} size={14} />
      <span className={styles.words}>
        <span className={styles.name}>{job.name}</span>
        <span className={styles.dim}>
          {state.word} · {firstLine(job.prompt)}
        </span>
      </span>
      <Combobox.ItemIndicator>
        <Check size={14} aria-hidden />
      </Combobox.ItemIndicator>
    </Combobox.Item>
  );
}
