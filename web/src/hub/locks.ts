// Web Locks, where there are any: they fall when their holder goes, however it goes. It must not know who waits.

/** Only pages from HTTPS or from this machine have them. */
export function locks(): LockManager | undefined {
  return globalThis.navigator?.locks;
}

/** Holds a lock until the answer is called, or this page or worker goes. Resolves when it is held. */
export function hold(
  name: string,
  options: { steal?: boolean; stolen?: () => void } = {},
): Promise<() => void> {
  const { steal = false, stolen = () => {} } = options;
  const manager = locks();
  if (!manager) {
    return Promise.resolve(() => {});
  }
  return new Promise((held) => {
    let mine = false;
    const keep = () => {
      mine = true;
      return new Promise<void>((release) => held(release));
    };
    void manager.request(name, { steal }, keep).catch(() => {
      if (mine) {
        stolen();
      }
      held(() => {});
    });
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
