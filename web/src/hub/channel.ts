// How a page reaches its hub: a SharedWorker; where there is none, the tab that holds a lock and a BroadcastChannel.
//
// Whoever is the hub may die at any time (a worker that crashes, a tab that is closed): its lock falls, the next
// one takes its place, and the page hears `up` again and subscribes anew at its own cursors. That is the same way
// for all of them. It must not know what the messages say.

import { uuidv7 } from "../api/uuid.ts";
import { fallen, hold, locks } from "./locks.ts";
import type { FromHub, ToHub } from "./protocol.ts";
import { HubServer, type Peer } from "./server.ts";

export interface Listener {
  /** There is a hub that does not know this page: say hello and subscribe. */
  up(): void;
  message(message: FromHub): void;
}

export interface Channel {
  post(message: ToHub): void;
  close(): void;
}

/**
 * A page and its hub must be of one build. The worker's file has a hash of its content in its name, and a worker
 * is shared by its name; for tabs, this file's name does the same.
 */
const BUILD = new URL(import.meta.url).pathname;

export function openChannel(listener: Listener): Channel {
  if (typeof SharedWorker === "function") {
    return new WorkerChannel(listener);
  }
  return new TabChannel(listener);
}

class WorkerChannel implements Channel {
  private port: MessagePort | undefined;
  private other: Channel | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly listener: Listener) {
    // After the caller has the channel in hand.
    queueMicrotask(() => this.connect());
  }

  post(message: ToHub): void {
    if (this.other) {
      this.other.post(message);
    } else {
      this.port?.postMessage(message);
    }
  }

  close(): void {
    this.closing.abort();
    this.other?.close();
    this.port?.close();
  }

  private connect(): void {
    if (this.closing.signal.aborted) {
      return;
    }
    let welcome = false;
    const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "mosaic",
    });
    worker.onerror = () => {
      // It did not load: a browser that has SharedWorkers but not of this kind.
      if (!welcome && !this.other && !this.closing.signal.aborted) {
        this.port?.close();
        this.other = new TabChannel(this.listener);
      }
    };
    this.port = worker.port;
    this.port.onmessage = ({ data }: MessageEvent<FromHub>) => {
      if (data.kind === "welcome") {
        welcome = true;
        if (data.lock) {
          void this.watch(data.lock);
        }
      }
      this.listener.message(data);
    };
    this.listener.up();
  }

  private async watch(lock: string): Promise<void> {
    if (await fallen(lock, this.closing.signal)) {
      this.port?.close();
      this.connect();
    }
  }
}

/** What tabs say to each other. */
type Said =
  | { say: "who leads?" }
  | { say: "I lead" }
  | { say: "to leader"; from: string; message: ToHub }
  | { say: "to page"; to: string; message: FromHub };

class TabChannel implements Channel {
  private readonly me = uuidv7();
  private readonly tabs: BroadcastChannel | undefined;
  private readonly peers = new Map<string, Peer>();
  private server: HubServer | undefined;
  private release: (() => void) | undefined;
  private closed = false;

  constructor(private readonly listener: Listener) {
    if (locks() && typeof BroadcastChannel === "function") {
      this.tabs = new BroadcastChannel(`mosaic ${BUILD}`);
      this.tabs.onmessage = ({ data }: MessageEvent<Said>) => this.hear(data);
    }
    queueMicrotask(() => {
      this.say({ say: "who leads?" });
      void this.lead();
    });
  }

  post(message: ToHub): void {
    if (this.server) {
      const { server } = this;
      // As from elsewhere: never in the middle of what the caller does.
      queueMicrotask(() => server.take(this.peer(this.me), message));
    } else {
      this.say({ say: "to leader", from: this.me, message });
    }
  }

  close(): void {
    this.closed = true;
    this.server?.close();
    this.tabs?.close();
    this.release?.();
  }

  private async lead(): Promise<void> {
    const release = await hold(`mosaic leader ${BUILD}`);
    if (this.closed) {
      release();
      return;
    }
    this.release = release;
    this.server = new HubServer(undefined);
    this.say({ say: "I lead" });
    this.listener.up();
  }

  private hear(said: Said): void {
    switch (said.say) {
      case "who leads?":
        if (this.server) {
          this.say({ say: "I lead" });
        }
        break;
      case "I lead":
        this.listener.up();
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
