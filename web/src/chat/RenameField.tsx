// A title that is being changed in its place.
// It must not know whose title.

import { useEffect, useRef } from "react";
import styles from "./ConversationList.module.css";

interface RenameFieldProps {
  title: string;
  onDone: (title: string | undefined) => void;
}

/** Enter and leaving keep it, Escape does not. */
export function RenameField({ title, onDone }: RenameFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const over = useRef(false);
  useEffect(() => field.current?.select(), []);
  const end = (kept: string | undefined) => {
    if (!over.current) {
      over.current = true;
      onDone(kept);
    }
  };
  return (
    <input
      ref={field}
      className={styles.rename}
      aria-label="Title"
      defaultValue={title}
      maxLength={256}
      onBlur={(event) => end(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") {
          end(undefined);
        } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
          end(event.currentTarget.value);
        }
      }}
    />
  );
}
