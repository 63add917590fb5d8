// The tabs of the terminal panel and the panes in them: what each step makes of them. Pure; no ids are made here.
//
// It must not know the server: a tab may name a terminal that is gone.

/** Panes side by side, each showing one terminal; never empty. */
export interface Tab {
  readonly panes: readonly string[];
  /** The pane that has, or last had, the focus. */
  readonly focus: number;
}

export interface Tabs {
  readonly tabs: readonly Tab[];
  /** The tab that is shown; -1 without any. */
  readonly active: number;
}

export const NO_TABS: Tabs = { tabs: [], active: -1 };
/** The page keeps so many terminals in tabs. */
export const TABS_MAX = 30;
export const PANES_MAX = 6;

/** The terminal that has the focus. */
export function focused(state: Tabs): string | undefined {
  const tab = state.tabs[state.active];
  return tab?.panes[tab.focus];
}

export function find(state: Tabs, terminalId: string): { tab: number; pane: number } | undefined {
  for (const [tab, { panes }] of state.tabs.entries()) {
    const pane = panes.indexOf(terminalId);
    if (pane >= 0) {
      return { tab, pane };
    }
  }
  return undefined;
}

/** Terminals in tabs, panes and all. */
export function count(state: Tabs): number {
  return state.tabs.reduce((sum, tab) => sum + tab.panes.length, 0);
}

/** Shows a terminal: where it is already, or in a new tab at the end. */
export function open(state: Tabs, terminalId: string): Tabs {
  const at = find(state, terminalId);
  if (at !== undefined) {
    return focusPane(state, at.tab, at.pane);
  }
  if (count(state) >= TABS_MAX) {
    return state;
  }
  return { tabs: [...state.tabs, { panes: [terminalId], focus: 0 }], active: state.tabs.length };
}

/** Puts a terminal beside the focused pane; it leaves the tab where it was. */
export function split(state: Tabs, terminalId: string): Tabs {
  const beside = focused(state);
  if (beside === undefined || beside === terminalId) {
    return open(state, terminalId);
  }
  const without = remove(state, terminalId);
  const at = find(without, beside);
  const tab = at && without.tabs[at.tab];
  if (at === undefined || tab === undefined || tab.panes.length >= PANES_MAX || count(without) >= TABS_MAX) {
    return state;
  }
  const panes = [...tab.panes.slice(0, at.pane + 1), terminalId, ...tab.panes.slice(at.pane + 1)];
  return withTab({ ...without, active: at.tab }, at.tab, { panes, focus: at.pane + 1 });
}

/** Moves a pane into a tab of its own, right after the one it was in. */
export function unsplit(state: Tabs, terminalId: string): Tabs {
  const at = find(state, terminalId);
  if (at === undefined || state.tabs[at.tab]?.panes.length === 1) {
    return state;
  }
  const without = remove(state, terminalId);
  const tabs = [...without.tabs];
  tabs.splice(at.tab + 1, 0, { panes: [terminalId], focus: 0 });
  return { tabs, active: at.tab + 1 };
}

/** Takes a terminal out; an empty tab goes, and its right neighbour is shown, else its left one. */
export function remove(state: Tabs, terminalId: string): Tabs {
  const at = find(state, terminalId);
  const tab = at && state.tabs[at.tab];
  if (at === undefined || tab === undefined) {
    return state;
  }
  if (tab.panes.length > 1) {
    const panes = tab.panes.filter((pane) => pane !== terminalId);
    const focus = Math.min(tab.focus > at.pane ? tab.focus - 1 : tab.focus, panes.length - 1);
    return withTab(state, at.tab, { panes, focus });
  }
  const tabs = state.tabs.filter((_, index) => index !== at.tab);
  const active = state.active > at.tab ? state.active - 1 : Math.min(state.active, tabs.length - 1);
  return { tabs, active };
}

/** The same place shows another terminal: a restarted one. */
export function replace(state: Tabs, terminalId: string, by: string): Tabs {
  const at = find(state, terminalId);
  const tab = at && state.tabs[at.tab];
  if (at === undefined || tab === undefined || find(state, by) !== undefined) {
    return state;
  }
  return withTab(state, at.tab, {
    ...tab,
    panes: tab.panes.map((pane) => (pane === terminalId ? by : pane)),
  });
}

/** Moves a tab to another place; it stays shown, or hidden. */
export function move(state: Tabs, from: number, to: number): Tabs {
  const tab = state.tabs[from];
  const shown = state.tabs[state.active];
  const target = Math.max(0, Math.min(to, state.tabs.length - 1));
  if (tab === undefined || from === target) {
    return state;
  }
  const tabs = state.tabs.filter((_, index) => index !== from);
  tabs.splice(target, 0, tab);
  return { tabs, active: shown === undefined ? -1 : tabs.indexOf(shown) };
}

export function show(state: Tabs, tab: number): Tabs {
  return state.tabs[tab] === undefined ? state : { ...state, active: tab };
}

/** The next tab (1) or the one before (-1), round the ends. */
export function step(state: Tabs, by: 1 | -1): Tabs {
  const count = state.tabs.length;
  return count === 0 ? state : show(state, (state.active + by + count) % count);
}

/** The next pane or the one before, round the ends; with a single pane the next tab. */
export function stepPane(state: Tabs, by: 1 | -1): Tabs {
  const tab = state.tabs[state.active];
  if (tab === undefined || tab.panes.length < 2) {
    return step(state, by);
  }
  return focusPane(state, state.active, (tab.focus + by + tab.panes.length) % tab.panes.length);
}

export function focusPane(state: Tabs, index: number, pane: number): Tabs {
  const tab = state.tabs[index];
  return tab?.panes[pane] === undefined
    ? state
    : withTab({ ...state, active: index }, index, { ...tab, focus: pane });
}

/** Only terminals for which `keep` is true. */
export function retain(state: Tabs, keep: (terminalId: string) => boolean): Tabs {
  return state.tabs
    .flatMap((tab) => tab.panes)
    .filter((pane) => !keep(pane))
    .reduce(remove, state);
}

function withTab(state: Tabs, index: number, tab: Tab): Tabs {
  return { ...state, tabs: state.tabs.map((other, at) => (at === index ? tab : other)) };
}

/** As the page keeps them: all terminals in their order, and what says which of them share a tab. */
export interface Flat {
  readonly ids: readonly string[];
  readonly active: string | undefined;
  /** Terminals in the tab of the one before them. */
  readonly joined: readonly string[];
  /** The focused terminal of each tab with several. */
  readonly focus: readonly string[];
}

export function flatten(state: Tabs): Flat {
  const split = state.tabs.filter((tab) => tab.panes.length > 1);
  return {
    ids: state.tabs.flatMap((tab) => tab.panes),
    active: focused(state),
    joined: split.flatMap((tab) => tab.panes.slice(1)),
    focus: split.map((tab) => tab.panes[tab.focus] ?? ""),
  };
}

/** Others may have added, moved and taken away terminals since: what no longer fits is let go. */
export function unflatten({ ids, active, joined, focus }: Flat): Tabs {
  const tabs: { panes: string[]; focus: number }[] = [];
  for (const id of new Set(ids)) {
    const before = tabs.at(-1);
    if (before !== undefined && joined.includes(id) && before.panes.length < PANES_MAX) {
      before.panes.push(id);
    } else if (tabs.length < TABS_MAX) {
      tabs.push({ panes: [id], focus: 0 });
    }
  }
  for (const tab of tabs) {
    const at = tab.panes.findIndex((id) => focus.includes(id));
    tab.focus = Math.max(0, at);
  }
  const state: Tabs = { tabs, active: tabs.length > 0 ? 0 : -1 };
  return active === undefined || find(state, active) === undefined ? state : open(state, active);
}
