// The panel's tabs as the page keeps them: read from and written to the view, which outlasts a reload.
//
// It must not know the server.

import { useMemo } from "react";
import { useView } from "../layout/view.ts";
import { decode, encode, focused, type Tabs } from "./tabs.ts";

export function useTabs(): Tabs {
  const list = useView((view) => view.terminalTabs);
  const active = useView((view) => view.activeTerminal);
  return useMemo(() => decode(list, active), [list, active]);
}

export function currentTabs(): Tabs {
  const { terminalTabs, activeTerminal } = useView.getState();
  return decode(terminalTabs, activeTerminal);
}

/** Makes one step of `tabs.ts`. */
export function changeTabs(step: (tabs: Tabs) => Tabs): void {
  const before = currentTabs();
  const after = step(before);
  if (after !== before) {
    useView.setState({ terminalTabs: encode(after), activeTerminal: focused(after) });
  }
}
