// A page that the browser froze for so long that the hub gave it up: it says hello anew, and misses nothing.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ToHub } from "../src/hub/protocol.ts";
import { HubServer, type Peer } from "../src/hub/server.ts";
import { chanceOf, ModelServer } from "./model-terminal.ts";

const FROZEN_MS = 600_000;

let frozen = false;
let hub: HubServer;

/** The worker's port. A frozen page posts nothing, and reads later what it was sent. */
class Port {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  private readonly late: unknown[] = [];
  private readonly peer: Peer = { post: (data) => setTimeout(() => this.deliver(data)) };

  postMessage(message: ToHub): void {
    if (!frozen) {
      setTimeout(() => hub.take(this.peer, message));
    }
  }

  close(): void {}

  private deliver(data: unknown): void {
    this.late.push(data);
    while (!frozen && this.late.length > 0) {
      this.onmessage?.({ data: this.late.shift() });
    }
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("location", { origin: "http://127.0.0.1" });
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("document", new EventTarget());
  vi.stubGlobal(
    "SharedWorker",
    class {
      readonly port = new Port();
    },
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("goes on where it was", async () => {
  const { HubClient } = await import("../src/hub/client.ts");
  const server = new ModelServer(chanceOf(7));
  hub = new HubServer(undefined, () => server.clients());
  server.open("a");
  server.print("a", 1_000);
  const client = new HubClient("t");
  let read = 0;
  client.terminal(
    "a",
    { offset: 0n },
    {
      opened: () => {},
      output: ({ offset, data, done }) => {
        expect(Number(offset)).toBe(read);
        read += data.length;
        done();
      },
      gap: () => {},
      event: () => {},
      failed: () => {},
    },
  );
  await vi.advanceTimersByTimeAsync(10_000);
  expect(read).toBe(1_000);

  frozen = true;
  await vi.advanceTimersByTimeAsync(FROZEN_MS);
  server.print("a", 5_000);
  frozen = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(read).toBe(6_000);
  client.close();
  hub.close();
});
