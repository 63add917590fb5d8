// One of several. It must not know what they mean.

import { Select as Base } from "@base-ui/react/select";
import { Check, ChevronsUpDown } from "lucide-react";
import { cx } from "./cx.ts";
import field from "./Field.module.css";
import menu from "./Menu.module.css";
import styles from "./Select.module.css";

export interface SelectOption<T extends string> {
  value: T;
  label: string;
  /** A second, dim line. */
  hint?: string;
  disabled?: boolean;
}

export interface SelectProps<T extends string> {
  label: string;
  hideLabel?: boolean;
  value: T | undefined;
  options: readonly SelectOption<T>[];
  onChange(value: T): void;
  /** Shown while nothing is chosen. */
  placeholder?: string;
  disabled?: boolean;
  size?: "small" | "medium";
}

export function Select<T extends string>(props: SelectProps<T>) {
  const { label, hideLabel, value, options, onChange, placeholder, disabled, size = "medium" } = props;
  return (
    <div className={field.field}>
      <Base.Root
        items={options}
        value={value ?? null}
        onValueChange={(next) => next !== null && onChange(next)}
        disabled={disabled}
        modal={false}
      >
        <Base.Label className={hideLabel ? "visually-hidden" : field.label}>{label}</Base.Label>
        <Base.Trigger className={cx(styles.trigger, size === "small" && styles.small)}>
          <Base.Value className={styles.value} placeholder={placeholder} />
          <Base.Icon className={styles.icon}>
            <ChevronsUpDown size={14} aria-hidden />
          </Base.Icon>
        </Base.Trigger>
        <Base.Portal>
          <Base.Positioner className={menu.positioner} alignItemWithTrigger={false} sideOffset={4}>
            <Base.Popup className={cx(menu.popup, styles.popup)}>
              <Base.List>
                {options.map((option) => (
                  <Base.Item
                    key={option.value}
                    value={option.value}
                    disabled={option.disabled}
                    className={cx(menu.item, styles.item)}
                  >
                    <span className={menu.icon}>
                      <Base.ItemIndicator>
                        <Check size={14} aria-hidden />
                      </Base.ItemIndicator>
                    </span>
                    <span className={styles.words}>
                      <Base.ItemText>{option.label}</Base.ItemText>
                      {option.hint && <span className={styles.hint}>{option.hint}</span>}
                    </span>
                  </Base.Item>
                ))}
              </Base.List>
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      </Base.Root>
    </div>
  );
}
