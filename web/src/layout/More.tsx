// A phone's view of everything that has no view of its own in the bar. It must not know the views.

import { ChevronRight } from "lucide-react";
import { useRole, useWorkspace } from "../workspace/hooks.tsx";
import { usePageMenu } from "./Header.tsx";
import styles from "./More.module.css";
import { whoWords } from "./people.ts";
import { roleName } from "./roles.ts";

export function More() {
  const items = usePageMenu();
  const me = useWorkspace((state) => state.me);
  const role = useRole();
  return (
    <div className={styles.more}>
      <ul className={styles.list}>
        {items.map(
          (item) =>
            item !== "line" &&
            item.label !== "Chat" && (
              <li key={item.label}>
                <button type="button" className={styles.item} onClick={item.onSelect}>
                  {item.icon && <item.icon size={18} aria-hidden className={styles.icon} />}
                  <span className={styles.label}>{item.label}</span>
                  <ChevronRight size={16} aria-hidden className={styles.icon} />
                </button>
              </li>
            ),
        )}
      </ul>
      {me && (
        <dl className={styles.facts}>
          <dt>Workspace</dt>
          <dd>{me.workspace?.name}</dd>
          <dt>Role</dt>
          <dd>{roleName(role)}</dd>
          <dt>Signed in as</dt>
          <dd>{whoWords(me.token?.name ?? "")}</dd>
          <dt>Server</dt>
          <dd>{me.serverVersion}</dd>
        </dl>
      )}
    </div>
  );
}
