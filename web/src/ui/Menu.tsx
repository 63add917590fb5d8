// A menu that opens from a button. It must not know what its items do.

import { Menu as Base } from "@base-ui/react/menu";
import { Check, type LucideIcon } from "lucide-react";
import type { ReactElement } from "react";
import { cx } from "./cx.ts";
import { Kbd } from "./Kbd.tsx";
import styles from "./Menu.module.css";

export interface MenuItem {
  label: string;
  icon?: LucideIcon;
  /** Keys, such as "Mod+K"; shown only. */
  shortcut?: string;
  danger?: boolean;
  disabled?: boolean;
  /** A choice that is on or off; absent: a plain action. */
  checked?: boolean;
  onSelect(): void;
}

export interface MenuProps {
  /** One button that takes a ref and props. */
  trigger: ReactElement<Record<string, unknown>>;
  /** "line" is a line between groups. */
  items: readonly (MenuItem | "line")[];
  align?: "start" | "center" | "end";
  side?: "top" | "bottom" | "left" | "right";
}

export function Menu({ trigger, items, align = "end", side = "bottom" }: MenuProps) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className={styles.positioner} align={align} side={side} sideOffset={4}>
          <Base.Popup className={styles.popup}>
            {items.map((item, at) =>
              item === "line" ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: a line has nothing else
                <Base.Separator key={`line ${at}`} className={styles.line} />
              ) : (
                <Item key={item.label} item={item} />
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Item({ item }: { item: MenuItem }) {
  const { icon: Icon } = item;
  const className = cx(styles.item, item.danger && styles.danger);
  const words = (
    <>
      <span className={styles.icon}>
        {item.checked ? <Check size={14} aria-hidden /> : Icon && <Icon size={14} aria-hidden />}
      </span>
      <span className={styles.label}>{item.label}</span>
      {item.shortcut && <Kbd keys={item.shortcut} />}
    </>
  );
  if (item.checked !== undefined) {
    return (
      <Base.CheckboxItem
        className={className}
        checked={item.checked}
        disabled={item.disabled}
        onCheckedChange={item.onSelect}
        closeOnClick
      >
        {words}
      </Base.CheckboxItem>
    );
  }
  return (
    <Base.Item className={className} disabled={item.disabled} onClick={item.onSelect}>
      {words}
    </Base.Item>
  );
}
