// Which key sends a message, for this browser.
// It must not know where messages are typed.

import { useSyncExternalStore } from "react";

export type SendKey = "enter" | "mod-enter";

const KEY = "mosaic.send-key";
const changed = new Set<() => void>();

export function sendKey(): SendKey {
  try {
    return localStorage.getItem(KEY) === "mod-enter" ? "mod-enter" : "enter";
  } catch {
    return "enter";
  }
}

export function setSendKey(key: SendKey): void {
  try {
    localStorage.setItem(KEY, key);
  } catch {
    // It is kept for as long as nothing asks again.
  }
  for (const tell of changed) {
    tell();
  }
}

export function useSendKey(): SendKey {
  return useSyncExternalStore((tell) => {
    changed.add(tell);
    return () => void changed.delete(tell);
  }, sendKey);
}

export const isMac = typeof navigator !== "undefined" && /Mac|iP(hone|ad|od)/.test(navigator.platform);
