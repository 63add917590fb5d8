// How the page and the server get on, in words. It must not know who says so.

import type { Connection } from "../hub/hub.ts";

export interface ConnectionWords {
  tone: "neutral" | "good" | "warn" | "bad";
  /** One or two words for the status bar. */
  label: string;
  /** For the banner, and to be read out; it does not change every second. Absent: no banner. */
  banner?: string;
  /** Seconds until the next try; absent: it is being tried, or nothing is. */
  retryIn?: number;
}

/** A short loss is nobody's business: the banner comes after so long. */
export const BANNER_AFTER_MS = 1200;

export function connectionWords(connection: Connection, now: number): ConnectionWords {
  switch (connection.state) {
    case "connecting":
      return { tone: "neutral", label: "Connecting…" };
    case "online":
      return { tone: "good", label: "Online" };
    case "restarting":
      return {
        tone: "warn",
        label: "Server restarting…",
        banner: "The server is restarting. Everything goes on by itself when it is back.",
      };
    case "refused":
      return { tone: "bad", label: "Signed out" };
    case "lost": {
      const retryIn = Math.ceil((connection.retryAt - now) / 1000);
      const waiting = retryIn > 0;
      return {
        tone: "bad",
        label: waiting ? `Reconnecting in ${retryIn} s` : "Reconnecting…",
        banner:
          now - connection.since < BANNER_AFTER_MS
            ? undefined
            : "The server cannot be reached. What you type is kept, and sent when it is back.",
        ...(waiting ? { retryIn } : {}),
      };
    }
  }
}
