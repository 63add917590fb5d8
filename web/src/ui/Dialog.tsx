// A dialog over the page: title, text, content, buttons. It must not know what is decided in it.

import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode, RefObject } from "react";
import { Button } from "./Button.tsx";
import { cx } from "./cx.ts";
import styles from "./Dialog.module.css";

export interface DialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description?: ReactNode;
  /** Buttons, right-aligned. */
  footer?: ReactNode;
  width?: "small" | "medium" | "large";
  /** What has the focus first; by default the first thing that can have it. */
  initialFocus?: RefObject<HTMLElement | null>;
  /** False: a click beside it does not close it, for what would be lost. */
  dismissible?: boolean;
  children?: ReactNode;
}

export function Dialog(props: DialogProps) {
  const { open, onOpenChange, title, description, footer, width = "medium", dismissible = true } = props;
  return (
    <Base.Root open={open} onOpenChange={(next) => onOpenChange(next)} disablePointerDismissal={!dismissible}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Viewport className={styles.viewport}>
          <Base.Popup className={cx(styles.popup, styles[width])} initialFocus={props.initialFocus}>
            <header className={styles.header}>
              <div className={styles.words}>
                <Base.Title className={styles.title}>{title}</Base.Title>
                {description && (
                  <Base.Description className={styles.description} render={<div />}>
                    {description}
                  </Base.Description>
                )}
              </div>
            </header>
            {props.children && <div className={styles.body}>{props.children}</div>}
            {footer && <footer className={styles.footer}>{footer}</footer>}
            {/* Last, so that the first thing of the dialog's own has the focus when it opens. */}
            <div className={styles.close}>
              <Base.Close render={<Button variant="ghost" size="small" icon={X} aria-label="Close" />} />
            </div>
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}
