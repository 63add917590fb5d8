// When a person is told of something, and how. It must not know the browser.

export interface Looking {
  /** The page is in front. */
  visible: boolean;
  /** The agent that is shown, if the agents are. */
  agentId?: string;
  /** The terminal that is shown, if the terminals are. */
  terminalId?: string;
}

export interface About {
  agentId: string;
  terminalId?: string;
}

/** True if it is seen anyway. */
export function isSeen(about: About, looking: Looking): boolean {
  if (!looking.visible) return false;
  return (
    about.agentId === looking.agentId ||
    (about.terminalId !== undefined && about.terminalId === looking.terminalId)
  );
}

export interface Wishes {
  notifyInPage: boolean;
  notifyByBrowser: boolean;
}

/** In the page that is in front; by the browser when none is. */
export function howToTell(
  about: About,
  looking: Looking,
  wishes: Wishes,
): "seen" | "page" | "browser" | "not" {
  if (isSeen(about, looking)) return "seen";
  if (looking.visible) return wishes.notifyInPage ? "page" : "not";
  return wishes.notifyByBrowser ? "browser" : wishes.notifyInPage ? "page" : "not";
}
