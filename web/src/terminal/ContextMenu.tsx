// A menu on the right mouse button, or the menu key, of what it surrounds: the look of the page's other menus.
//
// It must not know what its items do.

import { ContextMenu as Base } from "@base-ui/react/context-menu";
import { Check } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { cx, Kbd, type MenuItem } from "../ui/index.ts";
import styles from "../ui/Menu.module.css";

interface ContextMenuProps {
  /** Asked for when the menu opens, so that they are true now. */
  items: () => readonly (MenuItem | "line")[];
  label: string;
  children: ReactNode;
  /** The element that has the menu. */
  render: ReactElement;
}

export function ContextMenu({ items, label, children, render }: ContextMenuProps) {
  return (
    <Base.Root>
      <Base.Trigger render={render}>{children}</Base.Trigger>
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

function Items({ items }: Pick<ContextMenuProps, "items">) {
  return items().map((item, index) =>
    item === "line" ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: a line has nothing else
      <Base.Separator key={`line ${index}`} className={styles.line} />
    ) : (
      <Item key={item.label} item={item} />
    ),
  );
}

function Item({ item }: { item: MenuItem }) {
  const { icon: Icon, checked, disabled } = item;
  const words = (
    <>
      <span className={styles.icon}>
        {checked ? <Check size={14} aria-hidden /> : Icon && <Icon size={14} aria-hidden />}
      </span>
      <span className={styles.label}>{item.label}</span>
      {item.shortcut !== undefined && <Kbd keys={item.shortcut} />}
    </>
  );
  const className = cx(styles.item, item.danger && styles.danger);
  return checked === undefined ? (
    <Base.Item className={className} disabled={disabled} onClick={item.onSelect}>
      {words}
    </Base.Item>
  ) : (
    <Base.CheckboxItem
      className={className}
      checked={checked}
      disabled={disabled}
      onCheckedChange={item.onSelect}
      closeOnClick
    >
      {words}
    </Base.CheckboxItem>
  );
}
