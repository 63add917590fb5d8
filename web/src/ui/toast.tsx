// Short messages at the corner that go by themselves. They must not know what they tell of.

import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { IconButton } from "./Button.tsx";
import { cx } from "./cx.ts";
import styles from "./toast.module.css";

export interface ToastOptions {
  title: string;
  text?: string;
  tone?: "info" | "good" | "bad";
  action?: { label: string; onSelect(): void };
}

const manager = Base.createToastManager();

/** The same words again do not pile up: they are shown anew. */
export function toast({ title, text, tone = "info", action }: ToastOptions): void {
  const id = `${tone} ${title} ${text ?? ""}`;
  manager.add({
    id,
    title,
    description: text,
    type: tone,
    timeout: tone === "bad" || action ? 10_000 : 5_000,
    // Said at once only if something went wrong.
    priority: tone === "bad" ? "high" : "low",
    actionProps: action && {
      children: action.label,
      onClick: () => {
        action.onSelect();
        manager.close(id);
      },
    },
  });
}

/** Where they are shown: once in the page, in UiProvider. */
export function ToastHost() {
  return (
    <Base.Provider toastManager={manager} limit={4}>
      <Base.Portal>
        <Base.Viewport className={styles.viewport}>
          <List />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function List() {
  const { toasts } = Base.useToastManager();
  return toasts.map((each) => (
    <Base.Root
      key={each.id}
      toast={each}
      className={cx(styles.toast, each.type === "good" && styles.good, each.type === "bad" && styles.bad)}
      swipeDirection={["right", "down"]}
    >
      <Base.Content className={styles.content}>
        <div className={styles.words}>
          <Base.Title className={styles.title} />
          <Base.Description className={styles.text} />
        </div>
        {each.actionProps && <Base.Action className={styles.action} />}
        <Base.Close render={<IconButton label="Close the message" icon={X} size="small" />} />
      </Base.Content>
    </Base.Root>
  ));
}
