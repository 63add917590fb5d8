// What a role may do to agents and jobs, and why not. It must not know whose role it is.

import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";

export interface May {
  /** Spawn, answer, kill, retry, pause. */
  act: boolean;
  /** Kill everything. */
  killAll: boolean;
  /** Why not, in a sentence; empty if all is allowed. */
  why: string;
}

export function mayOf(role: Role): May {
  const act = role >= Role.MEMBER;
  const killAll = role >= Role.ADMIN;
  const why = act
    ? killAll
      ? ""
      : "Killing everything needs an admin's token."
    : "You are a viewer: you see everything here, but it takes a member's token to change anything.";
  return { act, killAll, why };
}
