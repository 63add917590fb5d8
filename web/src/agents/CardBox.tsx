// The box of a card in a conversation, with what a screen reader calls it. It must not know what is in it.

import type { ReactNode, Ref } from "react";
import styles from "./Card.module.css";

interface CardBoxProps {
  label: string;
  ref?: Ref<HTMLDivElement>;
  children: ReactNode;
}

export function CardBox({ label, ref, children }: CardBoxProps) {
  return (
    // Not a landmark: a conversation has many of them, and some of the same name.
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div ref={ref} role="group" className={styles.card} aria-label={label}>
      {children}
    </div>
  );
}
