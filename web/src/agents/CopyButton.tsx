// Copies a text, and says so. It must not know what the text is.

import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton, toast } from "../ui/index.ts";

const SAID_MS = 1_500;

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      toast({
        title: "The browser did not allow it",
        text: "Select the text and copy it by hand.",
        tone: "bad",
      });
    }
  };
  return (
    <IconButton
      label={copied ? "Copied" : label}
      icon={copied ? Check : Copy}
      size="small"
      onClick={() => void copy()}
    />
  );
}
