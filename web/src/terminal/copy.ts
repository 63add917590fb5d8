// Puts text on the clipboard, also where the page is not served securely. It must not know terminals.

/** Answers whether it is there. `area` is an element that may take the focus for a moment. */
export async function copyText(text: string, area: HTMLTextAreaElement | undefined): Promise<boolean> {
  try {
    if (navigator.clipboard !== undefined) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Not allowed now; the older way may be.
  }
  const copy = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("copy", copy, { capture: true, once: true });
  area?.focus();
  const done = document.execCommand("copy");
  document.removeEventListener("copy", copy, { capture: true });
  return done;
}

/** What is on the clipboard; undefined if the browser does not say. */
export async function readClipboard(): Promise<string | undefined> {
  try {
    return await navigator.clipboard?.readText();
  } catch {
    return undefined;
  }
}
