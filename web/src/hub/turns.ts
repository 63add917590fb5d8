// Lets a few do something at once, and the others wait their turn. It must not know what they do.

/** Gives a turn back; harmless to call twice. */
export type Release = () => void;

export class Turns {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async take(signal: AbortSignal): Promise<Release> {
    while (this.free === 0) {
      signal.throwIfAborted();
      await this.next(signal);
    }
    if (signal.aborted) {
      // Woken and gone in the same moment: the turn is the next one's.
      this.waiting.shift()?.();
      signal.throwIfAborted();
    }
    this.free -= 1;
    let taken = true;
    return () => {
      if (taken) {
        taken = false;
        this.free += 1;
        this.waiting.shift()?.();
      }
    };
  }

  private next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        const at = this.waiting.indexOf(done);
        if (at >= 0) {
          this.waiting.splice(at, 1);
        }
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.waiting.push(done);
      signal.addEventListener("abort", done);
    });
  }
}
