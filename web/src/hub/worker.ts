// The SharedWorker: one hub for all tabs of an origin. Only ports are known here.

import { uuidv7 } from "../api/uuid.ts";
import { hold, locks } from "./locks.ts";
import type { ToHub } from "./protocol.ts";
import { HubServer, type Peer } from "./server.ts";

const scope = globalThis as unknown as { onconnect: (event: MessageEvent) => void };
const lock = locks() ? `mosaic hub ${uuidv7()}` : undefined;
// Pages are welcomed when the lock is held: they take its fall for the end of this worker.
const ready = lock ? hold(lock) : Promise.resolve();
const server = new HubServer(lock);

scope.onconnect = ({ ports }) => {
  const [port] = ports;
  if (!port) {
    return;
  }
  const peer: Peer = { post: (message, transfer = []) => port.postMessage(message, transfer) };
  void ready.then(() => {
    port.onmessage = (event: MessageEvent<ToHub>) => server.take(peer, event.data);
  });
};
