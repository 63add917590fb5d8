// The hub without a SharedWorker: the tab that holds a lock is the hub, and the others speak to it by broadcast.
//
// A tab that is closed lets its lock fall, and the next one leads. A tab that the browser has frozen keeps it and
// says nothing; so a tab that is looked at asks from time to time, and takes the lock from one that is silent. It
// must not know what the messages say.

import { uuidv7 } from "../api/uuid.ts";
import type { Channel, Listener } from "./channel.ts";
import { hold, locks } from "./locks.ts";
import type { FromHub, ToHub } from "./protocol.ts";
import { HubServer, type Peer } from "./server.ts";

const ASK_MS = 10_000;
const SILENCE_MS = 4_000;

/** Tabs of one build: this file's name has a hash of its content, as a worker's has. */
const BUILD = new URL(import.meta.url).pathname;

/** What tabs say to each other. */
type Said =
  | { say: "who leads?" }
  | { say: "I lead"; leader: string }
  | { say: "to leader"; from: string; message: ToHub }
  | { say: "to page"; to: string; message: FromHub };

export class TabChannel implements Channel {
  private readonly me = uuidv7();
  private readonly tabs: BroadcastChannel | undefined;
  private readonly peers = new Map<string, Peer>();
  private server: HubServer | undefined;
  private release: (() => void) | undefined;
  private leader: string | undefined;
  private asking: ReturnType<typeof setInterval> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  private readonly closing = new AbortController();

  constructor(private readonly listener: Listener) {
    if (locks() && typeof BroadcastChannel === "function") {
      this.tabs = new BroadcastChannel(`mosaic ${BUILD}`);
      this.tabs.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data);
      this.asking = setInterval(() => this.ask(), ASK_MS);
      const { signal } = this.closing;
      document.addEventListener("visibilitychange", () => this.ask(), { signal });
    }
    queueMicrotask(() => {
      this.say({ say: "who leads?" });
      void this.lead(false);
    });
  }

  post(message: ToHub): void {
    const { server } = this;
    if (server) {
      // As from elsewhere: never in the middle of what the caller does.
      queueMicrotask(() => server.take(this.peer(this.me), message));
    } else {
      this.say({ say: "to leader", from: this.me, message });
    }
  }

  close(): void {
    this.closed = true;
    this.closing.abort();
    clearInterval(this.asking);
    clearTimeout(this.silence);
    this.server?.close();
    this.tabs?.close();
    this.release?.();
  }

  private async lead(steal: boolean): Promise<void> {
    const release = await hold(`mosaic leader ${BUILD}`, { steal, stolen: () => this.follow() });
    if (this.closed || this.server) {
      release();
      return;
    }
    this.release = release;
    this.leader = this.me;
    this.server = new HubServer(undefined);
    this.say({ say: "I lead", leader: this.me });
    this.listener.up();
  }

  /** Somebody has taken the lead, since this tab was silent. */
  private follow(): void {
    this.server?.close();
    this.server = undefined;
    this.release = undefined;
    this.peers.clear();
    this.leader = undefined;
    if (!this.closed) {
      this.say({ say: "who leads?" });
      void this.lead(false);
    }
  }

  /** A tab that is looked at makes sure that somebody leads. */
  private ask(): void {
    if (this.server || document.visibilityState !== "visible") {
      return;
    }
    this.say({ say: "who leads?" });
    this.silence ??= setTimeout(() => {
      this.silence = undefined;
      if (!this.closed && !this.server) {
        void this.lead(true);
      }
    }, SILENCE_MS);
  }

  private hear(said: Said): void {
    switch (said.say) {
      case "who leads?":
        if (this.server) {
          this.say({ say: "I lead", leader: this.me });
        }
        break;
      case "I lead":
        this.heardOf(said.leader);
        break;
      case "to leader":
        this.server?.take(this.peer(said.from), said.message);
        break;
      case "to page":
        if (said.to === this.me) {
          this.listener.message(said.message);
        }
        break;
    }
  }

  private heardOf(leader: string): void {
    clearTimeout(this.silence);
    this.silence = undefined;
    if (this.leader !== leader) {
      this.leader = leader;
      this.listener.up();
    }
  }

  private peer(id: string): Peer {
    const known = this.peers.get(id);
    if (known) {
      return known;
    }
    const post = (message: FromHub) => {
      if (id === this.me) {
        queueMicrotask(() => this.listener.message(message));
      } else {
        this.say({ say: "to page", to: id, message });
      }
    };
    const peer: Peer = { post, gone: () => this.peers.delete(id) };
    this.peers.set(id, peer);
    return peer;
  }

  private say(said: Said): void {
    if (!this.closed) {
      this.tabs?.postMessage(said);
    }
  }
}
