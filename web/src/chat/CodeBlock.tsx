// A block of code: its language, a button that copies it, lines that scroll inside.
// It must not know how it is coloured.

import type { ReactNode } from "react";
import { CopyButton } from "../ui/index.ts";
import styles from "./Markdown.module.css";

export function CodeBlock({
  language,
  text,
  children,
}: {
  language: string;
  text: string;
  children: ReactNode;
}) {
  return (
    <figure className={styles.code}>
      <figcaption>
        <span>{language.slice(0, 32) || "text"}</span>
        <CopyButton label="Copy code" text={text} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrolled by keys too */}
      <pre tabIndex={0}>{children}</pre>
    </figure>
  );
}
