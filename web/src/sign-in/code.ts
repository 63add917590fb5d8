// The one-use code in a sign-in link. It must not know what it is exchanged for.

const FRAGMENT = "#sign-in=";
const CODE_MAX = 512;

/** The code in the part after the # of an address; undefined if it is no sign-in link. */
export function codeOf(hash: string): string | undefined {
  if (!hash.startsWith(FRAGMENT)) return undefined;
  const code = decoded(hash.slice(FRAGMENT.length)).trim();
  return code === "" ? undefined : code.slice(0, CODE_MAX);
}

/**
 * Takes the code out of the address before anything else sees it: it stands in no history, and a reload or a second
 * call finds none.
 */
export function takeCode(): string | undefined {
  const { hash, pathname, search } = window.location;
  const code = codeOf(hash);
  if (hash.startsWith(FRAGMENT)) history.replaceState(null, "", pathname + search);
  return code;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
