// The shown branch of a conversation, the newest part of it first; more as one scrolls up.
// It must not know how messages are read or sent.

import { ArrowDown, RotateCcw, X } from "lucide-react";
import { startTransition, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type Message, Message_Role } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Button, FailureNote, IconButton, Spinner } from "../ui/index.ts";
import { AnswerMessage } from "./AnswerMessage.tsx";
import { useChat } from "./context.ts";
import { refusalWords } from "./format.ts";
import type { Outgoing } from "./outgoing.ts";
import { useStick } from "./scroll.ts";
import { useSessionState } from "./sessions.ts";
import { isCommand, recordedText } from "./slash.ts";
import styles from "./Thread.module.css";
import { reachesBeginning, shownBranch, siblingsOf, type Tree } from "./tree.ts";
import { Said, UserMessage } from "./UserMessage.tsx";

/** Messages that are drawn at first, and more at a time when somebody scrolls up. */
const STEP = 30;

export function Thread() {
  const { session } = useChat();
  const { tree, head, olderToken, loadingOlder, outbox, problem, loaded } = useSessionState(
    session,
    (state) => ({
      tree: state.tree,
      head: state.head,
      olderToken: state.olderToken,
      loadingOlder: state.loadingOlder,
      outbox: state.outbox,
      problem: state.problem,
      loaded: state.loaded,
    }),
  );
  /** The first message that is drawn, while somebody reads above the end. */
  const [from, setFrom] = useState<string>();
  const branch = useMemo(() => shownBranch(tree, head), [tree, head]);
  const pinned = from === undefined ? -1 : branch.findIndex(({ id }) => id === from);
  const begin = pinned < 0 ? Math.max(0, branch.length - STEP) : pinned;
  const shown = branch.slice(begin);
  const more = begin > 0 || (olderToken !== "" && !reachesBeginning(branch));
  const box = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { away, toEnd } = useStick(box, content, shown[0]?.id ?? "");

  // What one says oneself is always looked at.
  const sending = outbox.length;
  const before = useRef(sending);
  useLayoutEffect(() => {
    if (sending > before.current) {
      toEnd(false);
    }
    before.current = sending;
  }, [sending, toEnd]);
  const first = useRef<string>(undefined);
  first.current = shown[0]?.id;
  useEffect(() => setFrom((old) => (away ? (old ?? first.current) : undefined)), [away]);

  const showMore = () => {
    if (begin > 0) {
      // Long answers take a while to draw: scrolling goes on meanwhile.
      startTransition(() => setFrom(branch[Math.max(0, begin - STEP)]?.id));
    } else if (!loadingOlder) {
      void session.older();
    }
  };
  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrolled by keys too */}
      <section ref={box} className={styles.box} aria-label="Messages" tabIndex={0}>
        <div ref={content} className={styles.content}>
          {more && <Earlier onSeen={showMore} busy={loadingOlder} />}
          {problem && <FailureNote failure={problem} retry={() => void session.refresh()} />}
          {!loaded && !problem && <Skeleton />}
          <Messages tree={tree} shown={shown} />
          {outbox.map((outgoing) => (
            <Pending key={outgoing.requestId} outgoing={outgoing} />
          ))}
        </div>
      </section>
      {away && (
        <div className={styles.jump}>
          <IconButton
            label="Jump to the newest message"
            icon={ArrowDown}
            variant="plain"
            onClick={() => toEnd(true)}
          />
        </div>
      )}
    </div>
  );
}

function Messages({ tree, shown }: { tree: Tree; shown: readonly Message[] }) {
  return (
    <ol className={styles.messages}>
      {shown.map((message, at) => {
        const { ids, index } = siblingsOf(tree, message.id);
        const common = { message, siblings: ids, index };
        return (
          <li key={message.id}>
            {message.role === Message_Role.USER ? (
              <UserMessage {...common} />
            ) : (
              <AnswerMessage {...common} last={at === shown.length - 1} />
            )}
          </li>
        );
      })}
    </ol>
  );
}

/** Asks for more once it is seen. */
function Earlier({ onSeen, busy }: { onSeen: () => void; busy: boolean }) {
  const mark = useRef<HTMLDivElement>(null);
  const seen = useRef(onSeen);
  seen.current = onSeen;
  useEffect(() => {
    if (!mark.current) {
      return;
    }
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        seen.current();
      }
    });
    observer.observe(mark.current);
    return () => observer.disconnect();
  });
  return (
    <div ref={mark} className={styles.earlier}>
      {busy ? (
        <Spinner />
      ) : (
        <Button variant="ghost" size="small" onClick={onSeen}>
          Earlier messages
        </Button>
      )}
    </div>
  );
}

/** What is on its way, or did not get there. */
function Pending({ outgoing }: { outgoing: Outgoing }) {
  const { session } = useChat();
  const { what, phase, failure } = outgoing;
  if (phase === "recorded") {
    return null;
  }
  return (
    <div className={styles.pending}>
      {what.kind === "send" && what.text !== "" && (
        <Said text={recordedText(what.text)} command={isCommand(what.text)} waiting={phase !== "failed"} />
      )}
      {what.kind === "send" && what.images.length > 0 && <p>with {what.images.length} images</p>}
      {phase === "sending" && (
        <p role="status">{what.kind === "send" ? "Sending…" : "Asking for another answer…"}</p>
      )}
      {phase === "waiting" && (
        <p role="status">Waiting for the connection. It is sent by itself, and only once.</p>
      )}
      {phase === "failed" && failure && (
        <>
          <FailureNote failure={{ ...failure, message: refusalWords(failure) }} />
          <div className={styles.choices}>
            <Button size="small" icon={RotateCcw} onClick={() => session.retry(outgoing)}>
              Send again
            </Button>
            <Button size="small" variant="ghost" icon={X} onClick={() => session.discard(outgoing.requestId)}>
              Discard
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

function Skeleton() {
  return (
    <div className={styles.skeleton} role="status" aria-label="Loading the conversation">
      <i />
      <i />
      <i />
    </div>
  );
}
