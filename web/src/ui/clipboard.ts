// Puts a text on the clipboard, also where the page is not on a secure origin, and reads what is there.
// It must not know whose text it is.

import { toast } from "./toast.tsx";

/** True if it is there. The focus is afterwards where it was. */
export async function copyText(text: string): Promise<boolean> {
  try {
    // Throws where there is none, and where it is not allowed now: the older way may be.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** True if it is there; else a notice says why not. */
export async function copyOrTell(text: string): Promise<boolean> {
  const copied = await copyText(text);
  if (!copied) {
    toast({
      title: "Not copied",
      text: "The browser does not let the page write to the clipboard. Select the text and copy it by hand.",
      tone: "bad",
    });
  }
  return copied;
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("aria-hidden", "true");
  field.style.cssText = "position:fixed;opacity:0;pointer-events:none";
  document.body.append(field);
  field.select();
  // Deprecated, and the only way without a secure origin.
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) {
    focused.focus();
  }
  return copied;
}

/** What is on the clipboard; undefined if the browser does not say. */
export async function readClipboard(): Promise<string | undefined> {
  try {
    return await navigator.clipboard?.readText();
  } catch {
    return undefined;
  }
}
