// What the rest of the page uses of terminals; xterm is loaded when the first one is shown.

import { lazy } from "react";

export const TerminalPanel = lazy(async () => ({
  default: (await import("./TerminalPanel.tsx")).TerminalPanel,
}));
export const TerminalView = lazy(async () => ({
  default: (await import("./TerminalView.tsx")).TerminalView,
}));
