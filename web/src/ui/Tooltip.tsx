// A short text beside what is pointed at or focused. It only repeats or adds to an accessible name, it is never one.

import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement } from "react";
import { Kbd } from "./Kbd.tsx";
import styles from "./Tooltip.module.css";

export interface TooltipProps {
  text: string;
  /** Keys, such as "Mod+K". */
  shortcut?: string;
  side?: "top" | "bottom" | "left" | "right";
  /** One element that takes a ref and props. */
  children: ReactElement<Record<string, unknown>>;
}

export function Tooltip({ text, shortcut, side = "bottom", children }: TooltipProps) {
  return (
    <Base.Root disableHoverablePopup>
      <Base.Trigger render={children} />
      <Base.Portal>
        <Base.Positioner side={side} sideOffset={6} className={styles.positioner}>
          <Base.Popup className={styles.popup}>
            {text}
            {shortcut && <Kbd keys={shortcut} />}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
