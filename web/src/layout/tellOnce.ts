// One tab of a browser tells of an event, however many are open, and none while another one shows it. It must not know
// what is told, nor how.

/** So long no other tab may tell of the same thing. */
const TOLD_MS = 10_000;
/** A tab that has the focus goes first. */
const POLITE_MS = 150;
const WAITING_MAX = 20;

export interface Teller {
  /** `key` names the event in all tabs. */
  once(key: string, tell: () => void): void;
  /** As soon as this tab is in front, unless another one was first. */
  inFront(key: string, tell: () => void): void;
  close(): void;
}

export function openTeller(): Teller {
  const told = "BroadcastChannel" in window ? new BroadcastChannel("mosaic.told") : undefined;
  const waiting = new Map<string, () => void>();
  let closed = false;
  const forget = ({ data }: MessageEvent) => {
    if (typeof data === "string") waiting.delete(data);
  };
  const change = () => {
    if (document.visibilityState !== "visible") return;
    for (const [key, tell] of waiting) once(key, tell);
    waiting.clear();
  };
  const once = (key: string, tell: () => void) => {
    void alone(key, () => {
      if (closed) return;
      told?.postMessage(key);
      tell();
    });
  };
  told?.addEventListener("message", forget);
  document.addEventListener("visibilitychange", change);
  return {
    once,
    inFront(key, tell) {
      if (closed) return;
      waiting.set(key, tell);
      const [oldest] = waiting.keys();
      if (waiting.size > WAITING_MAX && oldest !== undefined) waiting.delete(oldest);
      change();
    },
    close() {
      closed = true;
      told?.close();
      document.removeEventListener("visibilitychange", change);
      waiting.clear();
    },
  };
}

/** Calls it if no other tab does. */
async function alone(key: string, tell: () => void): Promise<void> {
  const { locks } = navigator;
  if (!locks) return tell();
  if (!document.hasFocus()) await pause(POLITE_MS);
  await locks.request(`mosaic.told ${key}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    tell();
    await pause(TOLD_MS);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
