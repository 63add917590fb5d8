// The panel's tabs as the page keeps them: the terminals in the view, and here which of them share a tab.
//
// It must not know the server.

import { useMemo } from "react";
import { create } from "zustand";
import { createJSONStorage, persist, type StateStorage } from "zustand/middleware";
import { useView } from "../layout/view.ts";
import { type Flat, flatten, type Tabs, unflatten } from "./tabs.ts";

type Groups = Pick<Flat, "joined" | "focus">;

/** This tab of the browser has its own; a new one begins with what the last one had, as the view does. */
const storage: StateStorage = {
  getItem: (name) => sessionStorage.getItem(name) ?? localStorage.getItem(name),
  setItem: (name, value) => {
    for (const each of [sessionStorage, localStorage]) {
      try {
        each.setItem(name, value);
      } catch {
        // Full or forbidden: panes become tabs after a reload.
      }
    }
  },
  removeItem: (name) => sessionStorage.removeItem(name),
};

const useGroups = create<Groups>()(
  persist((): Groups => ({ joined: [], focus: [] }), {
    name: "mosaic.terminal-groups",
    storage: createJSONStorage(() => storage),
    merge: (kept, current) => {
      const found = (kept ?? {}) as Partial<Record<keyof Groups, unknown>>;
      const list = (value: unknown) =>
        Array.isArray(value) ? value.filter((id): id is string => typeof id === "string").slice(0, 100) : [];
      return { ...current, joined: list(found.joined), focus: list(found.focus) };
    },
  }),
);

export function useTabs(): Tabs {
  const ids = useView((view) => view.terminalTabs);
  const active = useView((view) => view.activeTerminal);
  const { joined, focus } = useGroups();
  return useMemo(() => unflatten({ ids, active, joined, focus }), [ids, active, joined, focus]);
}

export function currentTabs(): Tabs {
  const { terminalTabs: ids, activeTerminal: active } = useView.getState();
  return unflatten({ ids, active, ...useGroups.getState() });
}

/** Makes one step of `tabs.ts`. */
export function changeTabs(step: (tabs: Tabs) => Tabs): void {
  const before = currentTabs();
  const after = step(before);
  if (after !== before) {
    const { ids, active, joined, focus } = flatten(after);
    useGroups.setState({ joined, focus });
    useView.setState({ terminalTabs: ids, activeTerminal: active });
  }
}
