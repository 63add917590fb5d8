// How a page reaches its hub: a SharedWorker; where there is none, the tab that holds a lock and a BroadcastChannel.
//
// Whoever is the hub may die at any time (a worker that crashes, a tab that is closed): its lock falls, the next
// one takes its place, and the page hears `up` again and subscribes anew at its own cursors. That is the same way
// for all of them. It must not know what the messages say.

import { fallen } from "./locks.ts";
import type { FromHub, ToHub } from "./protocol.ts";
import workerUrl from "./worker.ts?chunk";

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
 * A page and its hub must be of one build, since they speak a language of their own. The worker's file has a hash of
 * its content in its name, and a worker is shared by the name of its file.
 */
export function openChannel(listener: Listener): Channel {
  if (typeof SharedWorker === "function") {
    return new WorkerChannel(listener);
  }
  return new LateChannel(listener);
}

/** Comes only where it is needed. What is posted before is dropped, as it is where there is no hub: `up` comes later. */
class LateChannel implements Channel {
  private tabs: Channel | undefined;
  private closed = false;

  constructor(listener: Listener) {
    void import("./tabs.ts").then(({ TabChannel }) => {
      if (!this.closed) {
        this.tabs = new TabChannel(listener);
      }
    });
  }

  post(message: ToHub): void {
    this.tabs?.post(message);
  }

  close(): void {
    this.closed = true;
    this.tabs?.close();
  }
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
    const worker = new SharedWorker(workerUrl, { type: "module", name: "mosaic" });
    worker.onerror = () => {
      // It did not load: a browser that has SharedWorkers but not of this kind.
      if (!welcome && !this.other && !this.closing.signal.aborted) {
        this.port?.close();
        this.other = new LateChannel(this.listener);
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
