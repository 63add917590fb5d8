// A value to read and to be told about. It must not know what it means.

import type { Readable } from "./hub.ts";

export class Cell<T> implements Readable<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  get(): T {
    return this.value;
  }

  set(value: T): void {
    this.value = value;
    for (const listener of [...this.listeners]) {
      listener();
    }
  }

  /** Nobody listens. */
  get unused(): boolean {
    return this.listeners.size === 0;
  }

  subscribe(changed: () => void): () => void {
    // A function of its own, so that the same listener may come twice.
    const listener = () => changed();
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
