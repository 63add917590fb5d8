// Commands that a card offers to run. It must not know how they are run.

/** Commands whose only argument that matters is the name that was ambiguous. */
const BY_NAME: ReadonlySet<string> = new Set(["kill", "status", "logs"]);

/** Commands that are nothing without arguments: how they are typed is what helps. */
const NEEDS_MORE: ReadonlySet<string> = new Set(["/kill", "/logs", "/send", "/spawn"]);

/**
 * The command that a candidate stands for: a command itself, or the same command with a whole name. Undefined where the
 * rest of what was typed would be missing.
 */
export function candidateCommand(command: string, candidate: string): string | undefined {
  if (candidate.startsWith("/")) {
    return NEEDS_MORE.has(candidate) ? `/help ${candidate.slice(1)}` : candidate;
  }
  return BY_NAME.has(command) ? `/${command} ${quoted(candidate)}` : undefined;
}

/** As the server's grammar reads a word. */
function quoted(word: string): string {
  return /^[\w.:@%+=/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** True for what ends agents: it is asked for once more before it is run by a click. */
export function isDangerous(text: string): boolean {
  return /^\/k(i(ll?)?)?(\s|$)/.test(text);
}
