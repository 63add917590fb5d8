// Names of agents and terminals that could follow an "@".
// It must not know where the names come from, nor how they are offered.

export interface Named {
  readonly name: string;
  readonly kind: "agent" | "terminal";
  readonly detail: string;
}

export interface Mention {
  /** Where the "@" stands. */
  readonly from: number;
  readonly typed: string;
}

const OFFERED_MAX = 20;

/** The mention that is being typed at the cursor. */
export function mentionAt(text: string, cursor: number): Mention | undefined {
  const found = /(?:^|[\s(])@([\w.-]{0,64})$/.exec(text.slice(0, cursor));
  const typed = found?.[1];
  return typed === undefined ? undefined : { from: cursor - typed.length - 1, typed };
}

/** Names that contain what is typed, those that begin with it first. */
export function matching(names: Iterable<Named>, typed: string): readonly Named[] {
  const wanted = typed.toLowerCase();
  const begins: Named[] = [];
  const contains: Named[] = [];
  for (const named of names) {
    const at = named.name.toLowerCase().indexOf(wanted);
    if (at >= 0) {
      (at === 0 ? begins : contains).push(named);
    }
  }
  return [...begins, ...contains].slice(0, OFFERED_MAX);
}
