// Asks something again and again while somebody looks: one call at a time, none while the page is hidden, less often
// while it fails. It must not know what is asked.

export interface PollOptions<T> {
  first: T;
  everyMs: number;
  ask(): Promise<T>;
  /** False while the page is hidden. */
  isVisible?(): boolean;
}

const PAUSE_MS_MAX = 30_000;

export class Poll<T> {
  #value: T;
  #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #failures = 0;
  /** How often somebody was told otherwise. */
  #told = 0;

  constructor(private readonly options: PollOptions<T>) {
    this.#value = options.first;
  }

  get = (): T => this.#value;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1 && !this.#asking) {
      void this.#round();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        clearTimeout(this.#timer);
      }
    };
  };

  /** Takes a value that somebody was told otherwise, such as the answer to a change. */
  put(value: T): void {
    this.#told += 1;
    this.#show(value);
  }

  #show(value: T): void {
    this.#value = value;
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }

  async #round(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.options.isVisible?.() !== false) {
      this.#asking = true;
      const told = this.#told;
      try {
        const value = await this.options.ask();
        this.#failures = 0;
        // What was told meanwhile may be newer than the answer.
        if (told === this.#told) {
          this.#show(value);
        }
      } catch {
        // What is known stays; whether the server is there, the page shows elsewhere.
        this.#failures += 1;
      }
      this.#asking = false;
    }
    if (this.#listeners.size > 0) {
      const pause = Math.min(PAUSE_MS_MAX, this.options.everyMs * 2 ** Math.min(this.#failures, 10));
      this.#timer = setTimeout(() => void this.#round(), pause);
    }
  }
}
