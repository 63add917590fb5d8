// Which view typed last into a terminal: its size counts, and only it answers queries.
//
// Pages of one browser tell each other; pages elsewhere are noticed when the terminal takes a size that this one
// did not ask for. It must not know xterm, the hub or React.

/** What pages say to each other. */
export type Word =
  /** Somebody came: who holds what? */
  | { kind: "who" }
  /** This view holds the terminal since `at` (milliseconds since 1970). */
  | { kind: "mine"; terminalId: string; holder: string; at: number };

interface Claim {
  /** A view's own name; empty if it is somewhere else. */
  holder: string;
  at: number;
  /** It is a view of this page. */
  own: boolean;
}

/** More terminals than anyone types into; the oldest claim is forgotten. */
const CLAIMS_MAX = 200;

export class Claims {
  private readonly claims = new Map<string, Claim>();
  private readonly listeners = new Set<(terminalId: string) => void>();

  constructor(
    private readonly post: (word: Word) => void,
    private readonly now: () => number,
  ) {
    post({ kind: "who" });
  }

  /** True if this view typed last, or was focused last while no other browser looked. */
  holds(terminalId: string, holder: string): boolean {
    return this.claims.get(terminalId)?.holder === holder;
  }

  /** True if anybody is known to have typed into it. */
  taken(terminalId: string): boolean {
    return this.claims.has(terminalId);
  }

  /** A person typed in this view, or focused it while no other browser looked. */
  take(terminalId: string, holder: string): void {
    if (!this.holds(terminalId, holder)) {
      const at = Math.max(this.now(), (this.claims.get(terminalId)?.at ?? 0) + 1);
      this.set(terminalId, { holder, at, own: true });
      this.post({ kind: "mine", terminalId, holder, at });
    }
  }

  /** Somebody types into it elsewhere. */
  lose(terminalId: string): void {
    this.set(terminalId, { holder: "", at: this.now(), own: false });
  }

  /** The view is gone; whoever comes next may take it without a word. */
  drop(terminalId: string, holder: string): void {
    if (this.holds(terminalId, holder)) {
      this.claims.delete(terminalId);
    }
  }

  hear(word: Word): void {
    if (word.kind === "who") {
      for (const [terminalId, { holder, at, own }] of this.claims) {
        if (own) {
          this.post({ kind: "mine", terminalId, holder, at });
        }
      }
      return;
    }
    const known = this.claims.get(word.terminalId);
    if (known === undefined || word.at > known.at) {
      this.set(word.terminalId, { holder: word.holder, at: word.at, own: false });
    }
  }

  /** Calls with a terminal's id whenever its holder may have changed. */
  subscribe(changed: (terminalId: string) => void): () => void {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  }

  private set(terminalId: string, claim: Claim): void {
    this.claims.delete(terminalId);
    this.claims.set(terminalId, claim);
    for (const oldest of this.claims.keys()) {
      if (this.claims.size <= CLAIMS_MAX) {
        break;
      }
      this.claims.delete(oldest);
    }
    for (const listener of [...this.listeners]) {
      listener(terminalId);
    }
  }
}
