// What is typed into: a label with its control, hint and error; one line of text, many lines. They must not know what
// the text is for.

import { Field as Base } from "@base-ui/react/field";
import { Input as BaseInput } from "@base-ui/react/input";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx.ts";
import styles from "./Field.module.css";

export interface FieldProps {
  label: string;
  /** The label is there for screen readers only. */
  hideLabel?: boolean;
  hint?: ReactNode;
  /** Why the value is not taken. */
  error?: string;
  /** An Input or a TextArea. */
  children: ReactNode;
}

export function Field({ label, hideLabel, hint, error, children }: FieldProps) {
  return (
    <Base.Root className={styles.field} invalid={error !== undefined && error !== ""}>
      <Base.Label className={hideLabel ? "visually-hidden" : styles.label}>{label}</Base.Label>
      {children}
      {error ? (
        <Base.Error match className={styles.error}>
          {error}
        </Base.Error>
      ) : (
        hint && <Base.Description className={styles.hint}>{hint}</Base.Description>
      )}
    </Base.Root>
  );
}

export interface InputProps extends Omit<ComponentProps<typeof BaseInput>, "className"> {
  className?: string;
}

/** `onValueChange(text)` besides what an `<input>` has. */
export function Input({ className, ...rest }: InputProps) {
  return <BaseInput {...rest} className={cx(styles.input, className)} />;
}

export interface TextAreaProps extends Omit<ComponentProps<"textarea">, "defaultValue" | "value"> {
  value?: string;
  onValueChange?(text: string): void;
}

export function TextArea({ className, value, onValueChange, ...rest }: TextAreaProps) {
  return (
    <Base.Control
      value={value}
      onValueChange={(text) => onValueChange?.(String(text))}
      render={<textarea rows={3} {...rest} className={cx(styles.input, styles.area, className)} />}
    />
  );
}
