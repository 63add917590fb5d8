// Slim bars under a terminal: why typing waits, a paste on its way, how it ended, who can only read.
//
// It must not know how any of it came about.

import { Maximize2, RotateCw, X } from "lucide-react";
import type { ReactNode } from "react";
import type { Failure } from "../api/failure.ts";
import { Button, FailureNote } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import { useTerminalActions } from "./actions.ts";
import styles from "./Bars.module.css";
import type { Session } from "./session.ts";
import { useSessionState } from "./use-session.ts";
import { bytesWords, ending, sentence } from "./words.ts";

/** A paste that goes at once needs no bar. */
const PASTE_SHOWN_BYTES = 64 * 1024;

interface BarsProps {
  session: Session;
  onRestarted?: (terminalId: string) => void;
  onClose?: () => void;
}

export function Bars({ session, onRestarted, onClose }: BarsProps) {
  return (
    <div className={styles.bars}>
      {/* What comes and goes lies over the screen: the program would be told of a new size each time. */}
      <div className={styles.passing}>
        <NotTakenBar session={session} />
        <TypingBar session={session} />
        <PasteBar session={session} />
        <SizeBar session={session} />
      </div>
      <FailureBar session={session} onClose={onClose} />
      <ReadOnlyBar session={session} />
      <ExitBar session={session} onRestarted={onRestarted} onClose={onClose} />
    </div>
  );
}

function Bar({ tone, children }: { tone: "bad" | "warn" | "good" | "dim"; children: ReactNode }) {
  return (
    <div className={styles.bar} data-tone={tone} role="status">
      {children}
    </div>
  );
}

function FailureBar({ session, onClose }: Pick<BarsProps, "session" | "onClose">) {
  const failure = useSessionState(session, (state) => state.failure);
  if (failure?.reason === "TERMINAL_NOT_FOUND") {
    // Nothing to try again.
    return (
      <Bar tone="bad">
        <span className={styles.dot} aria-hidden="true" />
        <span className={styles.text}>
          This terminal and its output were deleted, or never were in this workspace.
        </span>
        <CloseButton onClose={onClose} />
      </Bar>
    );
  }
  const retry = () => {
    session.retry();
    // The button is gone, and with it the focus.
    session.focus();
  };
  return failure && <FailureNote failure={plainer(failure)} retry={retry} />;
}

function CloseButton({ onClose }: Pick<BarsProps, "onClose">) {
  return (
    onClose !== undefined && (
      <Button size="small" variant="ghost" icon={X} onClick={onClose}>
        Close
      </Button>
    )
  );
}

/** What the server says, where the page can say it better. */
function plainer(failure: Failure): Failure {
  switch (failure.reason) {
    case "OTHER_NODE":
      return {
        ...failure,
        message: "This terminal runs on another server. Open the page of that server to use it.",
      };
    default:
      return failure;
  }
}

function TypingBar({ session }: { session: Session }) {
  const problem = useSessionState(session, (state) => state.typingProblem);
  const full = useSessionState(session, (state) => state.typingFull);
  const pending = useSessionState(session, (state) => state.pendingBytes);
  if (full) {
    return (
      <Bar tone="bad">
        <span className={styles.text}>
          What you typed last was not taken: 1 MiB already waits for the program. Wait, or interrupt it with
          Ctrl+C.
        </span>
      </Bar>
    );
  }
  if (problem === undefined || pending === 0) {
    return null;
  }
  return (
    <Bar tone="warn">
      <span className={styles.text}>
        Typing waits. {sentence(problem.message)} What you type is kept and typed once, in order, as soon as
        it goes on. {/* It changes with each key, which is not to be said each time. */}
        <span aria-hidden>{bytesWords(BigInt(pending))} wait.</span>
      </span>
    </Bar>
  );
}

function NotTakenBar({ session }: { session: Session }) {
  const problem = useSessionState(session, (state) => state.notTaken);
  return (
    problem && (
      <Bar tone="bad">
        <span className={styles.text}>What you typed was not taken. {sentence(problem.message)}</span>
        <Button size="small" variant="ghost" onClick={() => session.dismissNotTaken()}>
          Dismiss
        </Button>
      </Bar>
    )
  );
}

function PasteBar({ session }: { session: Session }) {
  const { left, of } = useSessionState(session, (state) => state.paste);
  if (left === 0 || of < PASTE_SHOWN_BYTES) {
    return null;
  }
  const gone = Math.max(0, of - left);
  return (
    <Bar tone="dim">
      <span className={styles.text} aria-hidden>
        Pasting: {bytesWords(BigInt(gone))} of {bytesWords(BigInt(of))}
      </span>
      <progress className={styles.progress} value={gone} max={of} aria-label="Paste" />
      <Button
        size="small"
        variant="ghost"
        onClick={() => {
          session.cancelPaste();
          session.focus();
        }}
      >
        Cancel
      </Button>
    </Bar>
  );
}

function SizeBar({ session }: { session: Session }) {
  const size = useSessionState(session, (state) => state.othersSize);
  const readOnly = useSessionState(session, (state) => state.readOnly);
  const ready = useSessionState(session, (state) => state.ready);
  if (size === undefined || !ready || readOnly !== undefined) {
    return null;
  }
  return (
    <Bar tone="dim">
      <span className={styles.text}>
        {size.cols} × {size.rows}: the size of the window that typed last
      </span>
      <Button size="small" variant="ghost" icon={Maximize2} onClick={() => session.claim()}>
        Use this size
      </Button>
    </Bar>
  );
}

function ReadOnlyBar({ session }: { session: Session }) {
  const why = useSessionState(session, (state) => state.readOnly);
  const inVain = useSessionState(session, (state) => state.typedInVain);
  if (why === undefined || (why === "ended" && !inVain)) {
    return null;
  }
  const words = {
    viewer: "Your token can only read, so nothing is typed.",
    ended: "It has ended: nobody reads what is typed.",
    asked: "This view only shows the terminal. Open it in a tab to type.",
  }[why];
  return (
    <Bar tone="dim">
      {why !== "ended" && <span className={styles.badge}>Read-only</span>}
      {inVain && <span className={styles.text}>{words}</span>}
    </Bar>
  );
}

function ExitBar({ session, onRestarted, onClose }: BarsProps) {
  const known = useWorkspace((state) => state.terminals.get(session.terminalId));
  const told = useSessionState(session, (state) => state.terminal);
  const readOnly = useSessionState(session, (state) => state.readOnly);
  const deleted = useSessionState(session, (state) => state.deleted);
  const { restart } = useTerminalActions();
  const terminal = known !== undefined && ending(known) !== undefined ? known : told;
  const end = terminal && ending(terminal);
  if (terminal === undefined || end === undefined) {
    return null;
  }
  const again = async () => {
    const fresh = await restart(terminal);
    if (fresh !== undefined) {
      onRestarted?.(fresh.id);
    }
  };
  return (
    <Bar tone={end.tone}>
      <span className={styles.dot} aria-hidden="true" />
      <span className={styles.text}>
        {end.text}
        {end.hint !== "" && `. ${end.hint}`}
        {deleted && ". It was deleted: what is here is all that is left."}
      </span>
      {readOnly !== "viewer" && onRestarted !== undefined && (
        <Button size="small" variant="ghost" icon={RotateCw} onClick={again}>
          Restart
        </Button>
      )}
      <CloseButton onClose={onClose} />
    </Bar>
  );
}
