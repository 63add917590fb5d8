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
  /** One entry for each tab; what it means is the terminals' affair but for the ids in it. */
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

/** A tab's terminals: it may show several beside each other, written as "ID+*ID". */
function terminalsOf(tab: string): string[] {
  return tab.split("+").map((word) => word.replace(/^\*/, ""));
}

function isTab(value: unknown): value is string {
  return typeof value === "string" && terminalsOf(value).every(isId);
}

/** Adds a tab, or finds it, and makes it the one that is shown. */
export function withTerminal(state: ViewState, id: string): Partial<ViewState> {
  const known = state.terminalTabs.some((tab) => terminalsOf(tab).includes(id));
  // The oldest tab makes room: its terminal lives on.
  const tabs = known ? state.terminalTabs : [...state.terminalTabs, id].slice(-TABS_MAX);
  return { terminalTabs: tabs, activeTerminal: id, panel: state.panel === "closed" ? "open" : state.panel };
}

export function clampSize(name: keyof Sizes, value: number): number {
  const [min, max] = SIZE_LIMITS[name];
  return Math.round(Math.max(min, Math.min(max, value)));
}

/** What is written down for this tab of the browser, and for its next one. */
export function kept(state: ViewState): string {
  const { conversationId, agentId, terminalTabs, activeTerminal, panel, leftPanel, rightPanel, sizes } =
    state;
  return JSON.stringify({
    conversationId,
    agentId,
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
  const tabs = Array.isArray(data.terminalTabs) ? [...new Set(data.terminalTabs.filter(isTab))] : [];
  view.terminalTabs = tabs.slice(-TABS_MAX);
  const shown = view.terminalTabs.flatMap(terminalsOf);
  view.activeTerminal = shown.find((id) => id === data.activeTerminal) ?? shown[0];
  if (isId(data.conversationId)) view.conversationId = data.conversationId;
  if (isId(data.agentId)) view.agentId = data.agentId;
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
