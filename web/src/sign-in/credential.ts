// The token that this browser signs in with: where it is kept, and how it is read back. It must not know the server.

export interface Credential {
  token: string;
  /** The token's id at the server: tabs speak of it, never of the token. */
  tokenId?: string;
  /** True if a sign-in link made it here: then it ends when the person leaves. */
  session?: boolean;
}

const KEY = "mosaic.token";
const TOKEN_MAX = 4096;

/** What was kept: this tab's, else this computer's. */
export function keptCredential(): { credential: Credential; remembered: boolean } | undefined {
  for (const remembered of [false, true]) {
    const credential = parseCredential(read(remembered));
    if (credential) return { credential, remembered };
  }
  return undefined;
}

/**
 * Keeps it for this tab, over reloads, or on this computer, for all tabs and days. What the computer keeps stays when
 * a tab has a token of its own.
 */
export function keepCredential(credential: Credential, remembered: boolean): void {
  forgetCredential(false);
  try {
    of(remembered).setItem(KEY, JSON.stringify(credential));
  } catch {
    // Full or forbidden: it holds until the reload.
  }
}

/** Forgets this tab's, or this computer's. */
export function forgetCredential(remembered: boolean): void {
  try {
    of(remembered).removeItem(KEY);
  } catch {
    // Then nothing is in it.
  }
}

/** How the page looks and behaves on this computer, whoever uses it. */
const OF_THE_COMPUTER = ["mosaic.settings", "mosaic.terminal"];

/** Forgets what a person left in this tab, and on this computer if nobody is remembered there: drafts, tabs, what was open. */
export function forgetTraces(): void {
  forgetTracesIn(false);
  if (parseCredential(read(true)) === undefined) forgetTracesIn(true);
}

function forgetTracesIn(remembered: boolean): void {
  try {
    const storage = of(remembered);
    for (const key of Object.keys(storage)) {
      if (key.startsWith("mosaic") && !OF_THE_COMPUTER.includes(key)) storage.removeItem(key);
    }
  } catch {
    // Then nothing is in it.
  }
}

/** True for a change of what this computer keeps, made by another tab. */
export function isCredentialChange(event: StorageEvent): boolean {
  return event.key === KEY || event.key === null;
}

export function parseCredential(text: string | null): Credential | undefined {
  if (text === null || text.length > 2 * TOKEN_MAX) return undefined;
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== "object" || data === null) return undefined;
    const field = (name: string): unknown => Reflect.get(data, name);
    const [token, tokenId] = [field("token"), field("tokenId")];
    if (typeof token !== "string" || !isToken(token)) return undefined;
    if (typeof tokenId !== "string") return { token };
    return { token, tokenId, ...(field("session") === true ? { session: true } : {}) };
  } catch {
    return undefined;
  }
}

/** True for what can stand in an `authorization` header; what else it is, the server knows. */
export function isToken(text: string): boolean {
  return text.length > 0 && text.length <= TOKEN_MAX && /^[\x21-\x7e]+$/.test(text);
}

function read(remembered: boolean): string | null {
  try {
    return of(remembered).getItem(KEY);
  } catch {
    return null;
  }
}

/** What the tab keeps, or the computer. A browser may forbid even to look. */
function of(remembered: boolean): Storage {
  return remembered ? localStorage : sessionStorage;
}
