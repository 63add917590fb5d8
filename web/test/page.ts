// A page for tests: subscriptions that speak to a hub by messages, and hubs that die.

import type { Clients } from "../src/api/clients.ts";
import type { ToHub } from "../src/hub/protocol.ts";
import { HubServer, type Peer } from "../src/hub/server.ts";
import type { Subscription } from "../src/hub/subscriptions.ts";

/** Messages travel, in order: nobody is called while they speak. */
class Mail {
  private letters: (() => void)[] = [];

  send(letter: () => void): void {
    this.letters.push(letter);
    if (this.letters.length === 1) {
      setTimeout(() => {
        const { letters } = this;
        this.letters = [];
        for (const read of letters) {
          read();
        }
      });
    }
  }
}

export class Page {
  readonly subscriptions: Subscription[] = [];
  private hub: HubServer | undefined;
  private numbers = 0;
  private peer: Peer = { post: () => {} };
  private readonly mail = new Mail();

  constructor(private readonly clients: () => Clients) {
    this.meet();
  }

  readonly post = (message: ToHub) => {
    const { hub, peer } = this;
    this.mail.send(() => hub?.take(peer, message));
  };

  /** The hub dies, and another one comes. */
  meet(): void {
    this.hub?.close();
    this.hub = new HubServer(undefined, this.clients);
    const { mail } = this;
    this.peer = {
      post: (message) => {
        mail.send(() => {
          const found = this.subscriptions.find(({ id }) => "id" in message && id === message.id);
          if (found && !found.over && "id" in message) {
            found.take(message);
          }
        });
      },
    };
    this.post({ kind: "hello", token: "t" });
    for (const subscription of this.subscriptions) {
      if (!subscription.over) {
        subscription.id = ++this.numbers;
        this.post(subscription.request());
      }
    }
  }

  add<S extends Subscription>(make: (id: number) => S): S {
    const subscription = make(++this.numbers);
    this.subscriptions.push(subscription);
    this.post(subscription.request());
    return subscription;
  }

  leave(subscription: Subscription | undefined): void {
    if (subscription && !subscription.over) {
      subscription.over = true;
      this.post({ kind: "drop", id: subscription.id });
    }
  }

  close(): void {
    this.hub?.close();
  }
}
