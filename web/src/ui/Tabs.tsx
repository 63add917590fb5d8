// Several things of which one is shown. It must not know what they are.

import { Tabs as Base } from "@base-ui/react/tabs";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./Tabs.module.css";

export interface Tab<T extends string> {
  value: T;
  label: string;
  icon?: LucideIcon;
  /** A number or a dot after the label. */
  extra?: ReactNode;
  /** What it shows; made only while it is chosen. */
  content?: ReactNode;
}

export interface TabsProps<T extends string> {
  /** What the tabs are, for screen readers. */
  label: string;
  value: T;
  tabs: readonly Tab<T>[];
  onChange(value: T): void;
  /** Beside the tabs, at the end. */
  actions?: ReactNode;
}

export function Tabs<T extends string>({ label, value, tabs, onChange, actions }: TabsProps<T>) {
  return (
    <Base.Root className={styles.root} value={value} onValueChange={(next: T) => onChange(next)}>
      <div className={styles.bar}>
        <Base.List className={styles.list} aria-label={label}>
          {tabs.map(({ value: of, label: words, icon: Icon, extra }) => (
            <Base.Tab key={of} value={of} className={styles.tab}>
              {Icon && <Icon size={14} aria-hidden />}
              {words}
              {extra}
            </Base.Tab>
          ))}
        </Base.List>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value} className={styles.panel}>
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
