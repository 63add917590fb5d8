// Chooses the jobs that must succeed before. It must not know what for.

import { Combobox } from "@base-ui/react/combobox";
import { Check, X } from "lucide-react";
import { useId, useLayoutEffect, useMemo, useRef } from "react";
import type { Job } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./JobPicker.module.css";
import { mayMean, offeredJobs } from "./job-choice.ts";
import { StateIcon } from "./StateIcon.tsx";
import { DEPENDENCIES_MAX, type SpawnForm } from "./spawn-form.ts";
import { firstLine, jobWords } from "./words.ts";

interface JobPickerProps {
  /** Ids. */
  value: readonly string[];
  /** What is typed and no job yet. */
  text: string;
  error?: string;
  onChange(changed: Partial<Pick<SpawnForm, "dependsOn" | "dependsOnText">>): void;
  /** Somebody is done with it. */
  onLeave(): void;
}

const SHOWN_MAX = 50;

export function JobPicker({ value, text, error, onChange, onLeave }: JobPickerProps) {
  const jobs = useWorkspace((state) => state.jobs);
  const id = useId();
  const chips = useRef<HTMLDivElement>(null);
  const offered = useMemo(() => offeredJobs(jobs, text).map((job) => job.id), [jobs, text]);
  useLayoutEffect(() => {
    // An open list hides all else from screen readers, but for live regions. One that says nothing keeps the dialog.
    chips.current?.closest("[role=dialog]")?.setAttribute("aria-live", "off");
  }, []);
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
            const dependsOn = next.slice(0, DEPENDENCIES_MAX);
            onChange(details.reason === "item-press" ? { dependsOn, dependsOnText: "" } : { dependsOn });
          }
        }}
        inputValue={text}
        onInputValueChange={(typed, { reason }) => {
          // A list that closes would clear it: what was typed would be dropped without a word.
          if (reason === "input-change") {
            onChange({ dependsOnText: typed });
          }
        }}
        itemToStringLabel={nameOf}
        filter={(of, query) => mayMean(jobs.get(of), query)}
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
                  aria-invalid={error !== undefined}
                  aria-describedby={error && `${id}-error`}
                  onBlur={onLeave}
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
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
    </div>
  );
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
