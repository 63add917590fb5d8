// Web Locks, where there are any: they fall when their holder goes, however it goes. It must not know who waits.

/** Only pages from HTTPS or from this machine have them. */
export function locks(): LockManager | undefined {
  return globalThis.navigator?.locks;
}

/** Holds a lock until the answer is called, or this page or worker goes. Resolves when it is held. */
export async function hold(name: string): Promise<() => void> {
  const manager = locks();
  if (!manager) {
    return () => {};
  }
  return new Promise((held) => {
    void manager
      .request(name, () => new Promise<void>((release) => held(release)))
      .catch(() => held(() => {}));
  });
}

/** Resolves with true when whoever holds the lock is gone; false if it was not waited for to the end. */
export async function fallen(name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await locks()?.request(name, { signal }, () => {});
    return locks() !== undefined;
  } catch {
    return false;
  }
}
