// Which tab of a view is chosen, kept for the tab of the browser: a reload shows it again. It must not know the views.

import { useState } from "react";

const PREFIX = "mosaic.agents.";

function read(key: string, of: string): string | undefined {
  try {
    const [was, tab] = (sessionStorage.getItem(PREFIX + key) ?? "").split(" ");
    return was === of ? tab : undefined;
  } catch {
    // Storage may be forbidden.
    return undefined;
  }
}

function write(key: string, of: string, tab: string): void {
  try {
    sessionStorage.setItem(PREFIX + key, `${of} ${tab}`);
  } catch {
    // A reload begins with the first one.
  }
}

/** Begins with the first of `tabs`, or with what was chosen last for the same `of`. */
export function useKeptTab<T extends string>(
  key: string,
  of: string,
  tabs: readonly [T, ...T[]],
): [tab: T, choose: (tab: T) => void] {
  const [tab, setTab] = useState<T>(() => {
    const kept = read(key, of);
    return tabs.find((one) => one === kept) ?? tabs[0];
  });
  const choose = (next: T) => {
    write(key, of, next);
    setTab(next);
  };
  return [tab, choose];
}
