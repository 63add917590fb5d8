// What tokens can do, in plain words, and which of them still work. It must not know the page.

import { Role, type Token, type WhoAmIResponse } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { millisOf } from "../ui/format.ts";

export type MakeRole = "viewer" | "member" | "admin";

export const ROLES: Readonly<Record<MakeRole, Role>> = {
  viewer: Role.VIEWER,
  member: Role.MEMBER,
  admin: Role.ADMIN,
};

/** What the role allows, as a sentence. */
export const ROLE_WORDS: Readonly<Record<MakeRole, string>> = {
  viewer: "Sees everything in this workspace: chats, terminals with their output, agents. Changes nothing.",
  member: "Sees everything, chats, types into terminals, starts new ones, and runs agents.",
  admin: "Does all that a member does, makes and revokes tokens, and may kill all agents.",
};

export interface Wish {
  role: MakeRole;
  readOnly: boolean;
  /** The one terminal, by name or id; empty: the whole workspace. */
  terminal: string;
}

/** What somebody who has the token can do beyond Mosaic; the server says the same when the token is made. */
export function reachOf(wish: Wish, me: WhoAmIResponse | undefined): string | undefined {
  if (wish.role === "viewer" || wish.readOnly || !me) return undefined;
  const user = me.shellUser || "the account that terminals run under";
  if (wish.terminal.trim() !== "") {
    return `Who has it can type into that terminal, and so do whatever the program in it may do as ${user}.`;
  }
  return me.sharesAccount
    ? `Terminals run under the server's own account (${user}). A token that can start terminals equals that account: ` +
        "who has it can read and change everything that the account can, Mosaic's own data included."
    : `Who has it can run any command on the server's machine as ${user}.`;
}

export type Standing = "works" | "expired" | "revoked";

export function standingOf(token: Token, now: number): Standing {
  if (token.revokeTime) return "revoked";
  return token.expireTime && millisOf(token.expireTime) <= now ? "expired" : "works";
}

export const LIFETIMES = [
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "2592000", label: "30 days" },
  { value: "31536000", label: "1 year" },
  { value: "ever", label: "For ever" },
] as const;

export type Lifetime = (typeof LIFETIMES)[number]["value"];

const NAME_BYTES_MAX = 128;

/** Why a name is not taken; undefined: it is. */
export function nameProblem(name: string): string | undefined {
  const text = name.trim();
  if (text === "") return "Give it a name, so that you know later whose it is.";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return "A name has no control characters.";
  return new TextEncoder().encode(text).length > NAME_BYTES_MAX ? "A name has at most 128 bytes." : undefined;
}
