// What the parts of a session share. It must not know the parts.

import type { Clients } from "../api/clients.ts";
import type { Link } from "./link.ts";
import type { Places } from "./places.ts";
import type { Turns } from "./turns.ts";

export interface Context {
  clients: Clients;
  link: Link;
  /** The connections for streams, shared with other sessions. */
  places: Places;
  /** The one more for a swap or for catching up, shared, too. */
  spare: Turns;
}
