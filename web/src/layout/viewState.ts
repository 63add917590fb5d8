// What the page shows, as plain data: how it changes, and what of it is kept. It must not know React or the browser.

import { isId, type Place, type Route } from "./route.ts";

export type Panel = "open" | "closed" | "full";
export type Side = "open" | "closed";

/** Sizes of the panels, in pixels. */
export interface Sizes {
  left: number;
  right: number;
  bottom: number;
}

export interface ViewState extends Route {
  terminalTabs: readonly string[];
  activeTerminal?: string;
  /** The terminals' panel. */
  panel: Panel;
  /** The conversations. */
  leftPanel: Side;
  /** The agents. */
  rightPanel: Side;
  /** The agent whose details are shown among the agents. */
  agentId?: string;
  sizes: Sizes;
}

export const TABS_MAX = 30;

export const SIZE_LIMITS: Readonly<Record<keyof Sizes, readonly [min: number, max: number]>> = {
  left: [180, 480],
  right: [240, 720],
  bottom: [120, 2000],
};

export const FIRST_VIEW: ViewState = {
  place: "chat",
  terminalTabs: [],
  panel: "open",
  leftPanel: "open",
  rightPanel: "open",
  sizes: { left: 256, right: 320, bottom: 280 },
};

/** Adds a tab, or finds it, and makes it the one that is shown. */
export function withTerminal(state: ViewState, id: string): Partial<ViewState> {
  const known = state.terminalTabs.includes(id);
  // The oldest tab makes room: its terminal lives on.
  const tabs = known ? state.terminalTabs : [...state.terminalTabs, id].slice(-TABS_MAX);
  return { terminalTabs: tabs, activeTerminal: id, panel: state.panel === "closed" ? "open" : state.panel };
}

/** Takes a tab away; its neighbour is shown instead. The terminal is not touched. */
export function withoutTerminal(state: ViewState, id: string): Partial<ViewState> {
  const at = state.terminalTabs.indexOf(id);
  if (at < 0) return {};
  const tabs = state.terminalTabs.filter((tab) => tab !== id);
  if (state.activeTerminal !== id) return { terminalTabs: tabs };
  return { terminalTabs: tabs, activeTerminal: tabs[Math.min(at, tabs.length - 1)] };
}

/** Puts a tab at another place in the row. */
export function withTerminalAt(state: ViewState, id: string, to: number): Partial<ViewState> {
  if (!state.terminalTabs.includes(id)) return {};
  const tabs = state.terminalTabs.filter((tab) => tab !== id);
  tabs.splice(Math.max(0, Math.min(to, tabs.length)), 0, id);
  return { terminalTabs: tabs };
}

export function clampSize(name: keyof Sizes, value: number): number {
  const [min, max] = SIZE_LIMITS[name];
  return Math.round(Math.max(min, Math.min(max, value)));
}

/** What is written down for this tab of the browser, and for its next one. */
export function kept(state: ViewState): string {
  const { conversationId, terminalTabs, activeTerminal, panel, leftPanel, rightPanel, sizes } = state;
  return JSON.stringify({
    conversationId,
    terminalTabs,
    activeTerminal,
    panel,
    leftPanel,
    rightPanel,
    sizes,
  });
}

/** Reads it back; whatever is not as it should be is left out. */
export function restored(text: string | null): Partial<ViewState> {
  const data = parse(text);
  const view: Partial<ViewState> = {};
  const tabs = Array.isArray(data.terminalTabs) ? [...new Set(data.terminalTabs.filter(isId))] : [];
  view.terminalTabs = tabs.slice(-TABS_MAX);
  const active = data.activeTerminal;
  view.activeTerminal = tabs.find((tab) => tab === active) ?? view.terminalTabs[0];
  if (isId(data.conversationId)) view.conversationId = data.conversationId;
  if (data.panel === "open" || data.panel === "closed" || data.panel === "full") view.panel = data.panel;
  if (data.leftPanel === "open" || data.leftPanel === "closed") view.leftPanel = data.leftPanel;
  if (data.rightPanel === "open" || data.rightPanel === "closed") view.rightPanel = data.rightPanel;
  view.sizes = restoredSizes(data.sizes);
  return view;
}

function restoredSizes(value: unknown): Sizes {
  const sizes = { ...FIRST_VIEW.sizes };
  if (typeof value !== "object" || value === null) return sizes;
  for (const name of ["left", "right", "bottom"] as const) {
    const size: unknown = Reflect.get(value, name);
    if (typeof size === "number" && Number.isFinite(size)) sizes[name] = clampSize(name, size);
  }
  return sizes;
}

function parse(text: string | null): Readonly<Record<string, unknown>> {
  if (text === null) return {};
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? { ...data } : {};
  } catch {
    return {};
  }
}

/** The place that the middle of a wide page shows. */
export function middleOf(place: Place): "chat" | "usage" | "tokens" {
  return place === "usage" || place === "tokens" ? place : "chat";
}
