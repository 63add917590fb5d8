// How many look at a terminal that is shown here: asked for now and then, since nobody tells.
//
// It must not know what is made of it.

import { useEffect } from "react";
import { useClients } from "../workspace/hooks.tsx";
import type { Session } from "./session.ts";

const ASK_EVERY_MS = 10_000;

/** Keeps the session's count while it is shown, lives, and the page is in sight. */
export function useViewerCount(session: Session, live: boolean): void {
  const { terminals } = useClients();
  useEffect(() => {
    if (!live) {
      session.counted(0);
      return;
    }
    const ask = async () => {
      if (document.visibilityState === "visible") {
        const answer = await terminals.listViewers({ terminalId: session.terminalId }).catch(() => undefined);
        const viewers = answer?.viewers.length;
        if (viewers !== undefined) {
          session.counted(viewers);
        }
      }
    };
    // Its own stream is there by then.
    const first = setTimeout(ask, 1500);
    const timer = setInterval(ask, ASK_EVERY_MS);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [terminals, session, live]);
}
