// A menu on the right mouse button, or the menu key, of what it surrounds. It must not know what its items do.

import { ContextMenu as Base } from "@base-ui/react/context-menu";
import type { ReactElement, ReactNode } from "react";
import styles from "./ContextMenu.module.css";

export interface ContextItem {
  label: string;
  shortcut?: string;
  danger?: boolean;
  disabled?: boolean;
  /** Set: it is switched on or off. */
  checked?: boolean;
  onSelect: () => void;
}

/** `undefined` among the items is a line between them. */
export function ContextMenu({
  items,
  label,
  children,
  render,
}: {
  items: () => (ContextItem | undefined)[];
  label: string;
  children?: ReactNode;
  /** The element that has the menu; a plain box without it. */
  render?: ReactElement;
}) {
  return (
    <Base.Root>
      <Base.Trigger render={render} className={render ? undefined : styles.trigger}>
        {children}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className={styles.positioner}>
          <Base.Popup className={styles.popup} aria-label={label}>
            <Items items={items} />
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

/** Asked for when the menu opens, so that they are true now. */
function Items({ items }: { items: () => (ContextItem | undefined)[] }) {
  return items().map((item, index) =>
    item === undefined ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the list is made anew each time the menu opens.
      <Base.Separator key={index} className={styles.line} />
    ) : item.checked !== undefined ? (
      <Base.CheckboxItem
        key={item.label}
        className={styles.item}
        checked={item.checked}
        disabled={item.disabled}
        onCheckedChange={item.onSelect}
        closeOnClick
      >
        <Base.CheckboxItemIndicator className={styles.check} keepMounted aria-hidden="true" />
        <Words item={item} />
      </Base.CheckboxItem>
    ) : (
      <Base.Item
        key={item.label}
        className={styles.item}
        data-danger={item.danger || undefined}
        disabled={item.disabled}
        onClick={item.onSelect}
      >
        <Words item={item} />
      </Base.Item>
    ),
  );
}

function Words({ item }: { item: ContextItem }) {
  return (
    <>
      <span className={styles.label}>{item.label}</span>
      {item.shortcut !== undefined && <span className={styles.shortcut}>{item.shortcut}</span>}
    </>
  );
}
