// Buttons, with words or with an icon only. They must not know what they do.

import type { LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import styles from "./Button.module.css";
import { cx } from "./cx.ts";
import { Spinner } from "./Spinner.tsx";
import { Tooltip } from "./Tooltip.tsx";

export type ButtonVariant = "plain" | "primary" | "danger" | "ghost";

export interface ButtonProps extends Omit<ComponentProps<"button">, "children"> {
  variant?: ButtonVariant;
  size?: "small" | "medium";
  icon?: LucideIcon;
  /** Shows that what was asked for is under way; the button does nothing meanwhile. */
  busy?: boolean;
  children?: ReactNode;
}

export function Button(props: ButtonProps) {
  const {
    variant = "plain",
    size = "medium",
    icon: Icon,
    busy,
    children,
    className,
    onClick,
    ...rest
  } = props;
  return (
    <button
      type="button"
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      {...rest}
      onClick={busy ? undefined : onClick}
      className={cx(styles.button, styles[variant], styles[size], className)}
    >
      {busy ? <Spinner small /> : Icon && <Icon size={size === "small" ? 14 : 16} aria-hidden />}
      {children}
    </button>
  );
}

export interface IconButtonProps extends Omit<ComponentProps<"button">, "children"> {
  /** What it does: the accessible name, and the tooltip. */
  label: string;
  icon: LucideIcon;
  variant?: ButtonVariant;
  size?: "small" | "medium";
  /** Keys for it, such as "Mod+K"; shown in the tooltip. */
  shortcut?: string;
  /** A toggle's state; absent: it is no toggle. */
  pressed?: boolean;
  tooltipSide?: "top" | "bottom" | "left" | "right";
}

export function IconButton(props: IconButtonProps) {
  const {
    label,
    icon: Icon,
    variant = "ghost",
    size = "medium",
    shortcut,
    pressed,
    tooltipSide,
    ...rest
  } = props;
  return (
    <Tooltip text={label} shortcut={shortcut} side={tooltipSide}>
      <button
        type="button"
        aria-label={label}
        aria-pressed={pressed}
        {...rest}
        className={cx(styles.button, styles.icon, styles[variant], styles[size], rest.className)}
      >
        <Icon size={size === "small" ? 14 : 16} aria-hidden />
      </button>
    </Tooltip>
  );
}
