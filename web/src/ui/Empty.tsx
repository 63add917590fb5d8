// What stands where there is nothing yet, with the way on. It must not know what is missing.

import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./Empty.module.css";

export interface EmptyProps {
  icon: LucideIcon;
  title: string;
  text?: ReactNode;
  action?: ReactNode;
}

export function Empty({ icon: Icon, title, text, action }: EmptyProps) {
  return (
    <div className={styles.empty}>
      <Icon size={24} strokeWidth={1.5} aria-hidden className={styles.icon} />
      <p className={styles.title}>{title}</p>
      {text && <div className={styles.text}>{text}</div>}
      {action && <div className={styles.action}>{action}</div>}
    </div>
  );
}
