// Everything that is read with one token: at most three streams, and one more for a moment.
//
// Tabs of one origin may be signed in differently; each token has a session of its own. It must not know pages.

import type { Clients } from "../api/clients.ts";
import type { Context } from "./context.ts";
import { EventLog } from "./events.ts";
import type { Connection } from "./hub.ts";
import { Link } from "./link.ts";
import { MessageLogs } from "./messages.ts";
import { TerminalLogs } from "./terminals.ts";
import { Turns } from "./turns.ts";

export class Session {
  readonly link: Link;
  readonly events: EventLog;
  readonly terminals: TerminalLogs;
  readonly messages: MessageLogs;
  private readonly closing = new AbortController();

  constructor(clients: (signal: AbortSignal) => Clients, changed: (connection: Connection) => void) {
    this.link = new Link(changed);
    const context: Context = { clients: clients(this.closing.signal), link: this.link, spare: new Turns(1) };
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

  close(): void {
    this.events.close();
    this.terminals.close();
    this.messages.close();
    this.closing.abort();
  }
}
