// A block of code: its language, a button that copies it, lines that scroll inside.
// It must not know how it is coloured.

import { Check, Copy } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { IconButton, toast } from "../ui/index.ts";
import { copyText } from "./copy.ts";
import styles from "./Markdown.module.css";

const SHOWN_MS = 1500;

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

export function CopyButton({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    if (await copyText(text)) {
      setCopied(true);
    } else {
      toast({
        title: "Not copied",
        text: "The browser does not let this page write to the clipboard.",
        tone: "bad",
      });
    }
  };
  return (
    <IconButton label={copied ? "Copied" : label} icon={copied ? Check : Copy} size="small" onClick={copy} />
  );
}
