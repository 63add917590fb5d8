// Everything that is read with one token: at most three streams, and one more for a moment.
//
// Tabs of one origin may be signed in differently; each token has a session of its own. It must not know pages.

import type { Clients } from "../api/clients.ts";
import type { Context } from "./context.ts";
import { EventLog } from "./events.ts";
import type { Connection } from "./hub.ts";
import { Link } from "./link.ts";
import { MessageLogs } from "./messages.ts";
import { Places } from "./places.ts";
import { TerminalLogs } from "./terminals.ts";
import { Turns } from "./turns.ts";

/** What sessions share: a browser counts the connections of an origin. */
export interface Connections {
  places: Places;
  spare: Turns;
}

export function connectionsOfOrigin(): Connections {
  return { places: new Places(3), spare: new Turns(1) };
}

export class Session {
  readonly link: Link;
  readonly events: EventLog;
  readonly terminals: TerminalLogs;
  readonly messages: MessageLogs;
  private readonly closing = new AbortController();

  constructor(
    clients: (signal: AbortSignal) => Clients,
    connections: Connections,
    changed: (connection: Connection) => void,
  ) {
    this.link = new Link(changed);
    const context: Context = { clients: clients(this.closing.signal), link: this.link, ...connections };
    this.events = new EventLog(context);
    this.terminals = new TerminalLogs(context);
    this.messages = new MessageLogs(context);
  }

  /** A page signs in with the token: if it was refused, it is tried again. */
  reset(): void {
    if (this.link.refused) {
      this.link.reset();
      this.events.refresh();
      this.terminals.refresh();
      this.messages.refresh();
    }
  }

  /** Somebody's call did not get through: the streams may be dead, too, and nobody has told. */
  doubt(): void {
    this.events.doubt();
    this.terminals.doubt();
    this.messages.doubt();
  }

  close(): void {
    this.events.close();
    this.terminals.close();
    this.messages.close();
    this.closing.abort();
  }
}
