// Who did something, in words for people. It must not know what was done.

/** What the server calls a browser's own token: this and the name of the token that signed it in. */
const SESSION_OF = /^session of (?=.)/;

/** The name of a token as a person says it; empty: none is known. */
export function whoWords(name: string): string {
  return name.replace(SESSION_OF, "a browser of ");
}
