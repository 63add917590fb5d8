// Short messages at the corner that go by themselves: showing them. It must not know who asked for them.

import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { useEffect } from "react";
import { IconButton } from "./Button.tsx";
import { cx } from "./cx.ts";
import styles from "./Toasts.module.css";
import { type ToastOptions, useAsked } from "./toast.tsx";

/** A live region is read from only if it was there before its text. */
const SETTLE_MS = 100;

const manager = Base.createToastManager();

export function Toasts() {
  const waiting = useAsked(({ waiting }) => waiting);
  useEffect(() => {
    if (waiting.length === 0) return;
    const timer = setTimeout(() => {
      useAsked.setState({ waiting: [] });
      for (const each of waiting) show(each);
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [waiting]);
  return (
    <Base.Provider toastManager={manager} limit={3}>
      <Base.Portal>
        <Base.Viewport className={styles.viewport}>
          <List />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function show({ title, text, tone = "info", action }: ToastOptions): void {
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
