// When a person is told of something, and how. It must not know the browser.

export interface Looking {
  /** The page is in front. */
  visible: boolean;
  /** The agent, or the job of one, that is shown, if the agents are. */
  agentId?: string;
  /** The terminals that are shown beside each other, if any are. */
  terminalIds?: readonly string[];
  /** True for a job whose card is on the screen. */
  hasCard?(jobId: string): boolean;
}

export interface About {
  jobId: string;
  agentId: string;
  terminalId?: string;
}

/** True if it is seen anyway. */
export function isSeen(about: About, looking: Looking): boolean {
  if (!looking.visible) return false;
  const { jobId, agentId, terminalId } = about;
  return (
    looking.agentId === agentId ||
    looking.agentId === jobId ||
    (terminalId !== undefined && looking.terminalIds?.includes(terminalId)) ||
    looking.hasCard?.(jobId) === true
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
