// What the page shows, and the ways to show something else. It must not know what the views are made of.

import { create } from "zustand";
import type { Place } from "./route.ts";
import {
  clampSize,
  FIRST_VIEW,
  type Panel,
  type Side,
  type Sizes,
  type ViewState,
  withTerminal,
} from "./viewState.ts";

/** What lies over the page. */
export type Overlay = "palette" | "chat" | "settings" | "shortcuts";

export interface View extends ViewState {
  /** True where one view is shown at a time: on a phone. */
  narrow: boolean;
  /** There is room for the conversations and the agents beside the chat; else one makes room for the other. */
  roomy: boolean;
  overlay?: Overlay;

  /** No id: a new conversation. `replace`: the way back skips what was shown before. */
  openConversation(id?: string, how?: { replace?: boolean }): void;
  openTerminal(id: string): void;
  openAgent(id?: string): void;
  openView(place: Place): void;
  setPanel(panel: Panel): void;
  setLeftPanel(side: Side): void;
  setRightPanel(side: Side): void;
  setSize(name: keyof Sizes, pixels: number): void;
  setOverlay(overlay?: Overlay): void;
}

/** True while a change is one that the way back skips; see viewSync.ts. */
export const replacing = { now: false };

export const useView = create<View>((set) => ({
  ...FIRST_VIEW,
  narrow: false,
  roomy: true,

  openConversation(id, how) {
    replacing.now = how?.replace === true;
    set((view) => ({ place: "chat", conversationId: id, panel: uncovered(view.panel) }));
    replacing.now = false;
  },
  openTerminal: (id) =>
    set((view) => ({ ...withTerminal(view, id), ...(view.narrow ? { place: "terminals" } : {}) })),
  openAgent: (id) =>
    set((view) => ({
      agentId: id,
      ...sides(view, "rightPanel", "open"),
      panel: uncovered(view.panel),
      ...(view.narrow ? { place: "agents" } : {}),
    })),
  openView: (place) => set((view) => ({ place, overlay: undefined, panel: uncovered(view.panel) })),
  setPanel: (panel) => set({ panel }),
  setLeftPanel: (leftPanel) =>
    set((view) => ({ ...sides(view, "leftPanel", leftPanel), panel: uncovered(view.panel) })),
  setRightPanel: (rightPanel) =>
    set((view) => ({ ...sides(view, "rightPanel", rightPanel), panel: uncovered(view.panel) })),
  setSize: (name, pixels) =>
    set((view) => {
      const size = clampSize(name, pixels);
      return view.sizes[name] === size ? view : { sizes: { ...view.sizes, [name]: size } };
    }),
  setOverlay: (overlay) => set({ overlay }),
}));

/** One side as it is wanted, and the other as it fits. */
function sides(view: View, name: "leftPanel" | "rightPanel", side: Side): Partial<View> {
  const other = name === "leftPanel" ? "rightPanel" : "leftPanel";
  return side === "open" && !view.roomy ? { [name]: side, [other]: "closed" } : { [name]: side };
}

/** What is asked for must not lie under the terminals. */
function uncovered(panel: Panel): Panel {
  return panel === "full" ? "open" : panel;
}
