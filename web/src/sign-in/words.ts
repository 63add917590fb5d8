// What the sign-in page says about why nobody is signed in. It must not know how it came to that.

import type { Failure } from "../api/failure.ts";

/** What was entered cannot be one, so the server was not asked. */
export const NOT_A_TOKEN = "NOT_A_TOKEN";

export interface Story {
  title: string;
  text: string;
  /** How to get another link helps. */
  another: boolean;
}

export function storyOf(
  why: Failure | undefined,
  by: "link" | "token" | "session" | undefined,
): Story | undefined {
  if (!why) return undefined;
  switch (why.reason) {
    case "CODE_SPENT":
      return {
        title: "This sign-in link is spent",
        text: "A link works once and for ten minutes. It was used already, or it is older than that.",
        another: true,
      };
    case "SIGN_IN_ATTEMPTS":
      return {
        title: "Too many attempts to sign in",
        text: "The server takes no more of them for now. Wait a minute, then try again.",
        another: true,
      };
    case NOT_A_TOKEN:
      return {
        title: "That is not a token",
        text: "A token is one word that begins with mosaic_. Check that all of it was copied, and nothing else.",
        another: true,
      };
    case "TOKEN_EXPIRED":
      return {
        title: "Your session has expired",
        text: "Sign in again to go on where you were.",
        another: true,
      };
    case "UNREACHABLE":
    case "DEADLINE_EXCEEDED":
      return {
        title: "The server does not answer",
        text: "Check that it runs, and that this computer reaches it.",
        another: false,
      };
  }
  if (why.code === "unauthenticated") {
    return by === "session"
      ? {
          title: "You were signed out",
          text: "The server does not know this token any more: it was revoked.",
          another: true,
        }
      : {
          title: "The server does not know this token",
          text: "Check that all of it was copied, and that it was made by this server.",
          another: true,
        };
  }
  return { title: "Signing in did not work", text: why.message, another: true };
}
