// What the parts of a session share. It must not know the parts.

import type { Clients } from "../api/clients.ts";
import type { Link } from "./link.ts";
import type { Turns } from "./turns.ts";

export interface Context {
  clients: Clients;
  link: Link;
  /** The one connection for a swap or for catching up. */
  spare: Turns;
}
