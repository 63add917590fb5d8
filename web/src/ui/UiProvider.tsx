// What the components need once in a page: tooltips' delay, the questions, the short messages. It knows no view.

import { Tooltip } from "@base-ui/react/tooltip";
import type { ReactNode } from "react";
import { ConfirmHost } from "./confirm.tsx";
import { ToastHost } from "./toast.tsx";

export function UiProvider({ children }: { children: ReactNode }) {
  return (
    <Tooltip.Provider delay={500} closeDelay={0}>
      {children}
      <ConfirmHost />
      <ToastHost />
    </Tooltip.Provider>
  );
}
