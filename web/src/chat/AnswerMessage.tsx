// An answer: its text as it comes, how it ended, and what can be done with it.
// It must not know how its events come.

import { RefreshCw, Sparkles } from "lucide-react";
import { lazy, memo, Suspense } from "react";
import { type Message, Message_State } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Button, CopyButton, IconButton, Menu } from "../ui/index.ts";
import type { Answer, Call } from "./answer.ts";
import { Branches } from "./Branches.tsx";
import { CommandAnswer } from "./CommandAnswer.tsx";
import { useChat } from "./context.ts";
import { Details } from "./Details.tsx";
import { duration, endWords, failureSentence, failureWords, remedy } from "./format.ts";
import styles from "./Message.module.css";
import { isReady, useModels } from "./models.ts";
import { useSessionState } from "./sessions.ts";
import { useShow } from "./show.ts";
import { Thinking } from "./Thinking.tsx";

/** Where it cannot be loaded, since the server is away, the text stands as it is. */
const Markdown = lazy(() => import("./Markdown.tsx").catch(() => ({ default: AsItIs })));

interface AnswerMessageProps {
  message: Message;
  siblings: readonly string[];
  index: number;
  last: boolean;
}

export const AnswerMessage = memo(function AnswerMessage({
  message,
  siblings,
  index,
  last,
}: AnswerMessageProps) {
  const { session, canWrite } = useChat();
  const answer = useSessionState(session, (state) => state.answers.get(message.id));
  const show = useShow();
  const live = message.state === Message_State.STREAMING;
  const { text, thinking, calls } = contentOf(message, answer);
  // What can be done with an older answer shows when it is meant.
  const rest = last ? undefined : styles.hidden;
  const name = message.answeredBy || answer?.model || message.model;
  return (
    <article
      className={styles.answer}
      aria-label={message.command ? "Result" : `Answer${name ? ` by ${name}` : ""}`}
      aria-busy={live}
    >
      <Notices message={message} answer={answer} />
      {thinking !== "" && (
        <Thinking
          text={thinking}
          live={live && text === ""}
          took={session.thoughtFor(message.id)}
          usage={message.usage}
        />
      )}
      {message.command ? (
        <CommandAnswer result={message.commandResult ?? answer?.result} text={text} live={live} />
      ) : (
        text !== "" && (
          <Suspense fallback={<AsItIs text={text} />}>
            <Markdown text={text} growing={live} />
          </Suspense>
        )
      )}
      {live && text === "" && thinking === "" && !message.command && <Waiting name={name} />}
      {calls.length > 0 && <Calls calls={calls} />}
      <Ending message={message} />
      {!live && (
        <footer className={styles.actions}>
          <Branches ids={siblings} index={index} onShow={show} />
          <span className={rest}>
            {text !== "" && <CopyButton label="Copy answer" text={text} />}
            {canWrite && !message.command && <Regenerate message={message} />}
          </span>
          {!message.command && (
            <span className={rest ? `${styles.meta} ${rest}` : styles.meta}>
              <Details message={message} />
            </span>
          )}
        </footer>
      )}
    </article>
  );
});

function AsItIs({ text }: { text: string; growing?: boolean }) {
  return <div className={styles.plain}>{text}</div>;
}

/** What the server had stored may be ahead of the steps that are being read again: then it is shown meanwhile. */
function contentOf(message: Message, answer: Answer | undefined) {
  const behind = !answer || answer.sequence < message.lastSequence;
  if (message.state !== Message_State.STREAMING || behind) {
    return { text: message.content, thinking: message.thinking, calls: message.toolCalls as readonly Call[] };
  }
  return answer;
}

function Waiting({ name }: { name: string }) {
  return (
    <p className={styles.waiting}>
      <span aria-hidden="true" />
      {name ? `Waiting for ${name}` : "Waiting for the model"}
    </p>
  );
}

/** What happened on the way: asked again, another model, messages left out. */
function Notices({ message, answer }: { message: Message; answer: Answer | undefined }) {
  const words: string[] = [];
  if (message.state === Message_State.STREAMING) {
    for (const notice of answer?.notices.slice(-3) ?? []) {
      if (notice.kind === "retried") {
        const { model, reason, delayMs } = notice.what;
        words.push(`${model} ${failureWords(reason)}; it is asked again in ${duration(Number(delayMs))}.`);
      } else if (notice.kind === "fellBack") {
        words.push(`${notice.what.from} ${failureWords(notice.what.reason)}; ${notice.what.to} is asked.`);
      } else {
        words.push("What had come is void: another model begins anew.");
      }
    }
  } else {
    const left = message.attempts.find(
      ({ model, failure }) => failure !== "" && model !== message.answeredBy,
    );
    if (left && message.answeredBy !== "") {
      words.push(`${left.model} ${failureWords(left.failure)}; ${message.answeredBy} answered.`);
    }
  }
  const dropped = answer?.dropped.length ?? 0;
  if (dropped > 0) {
    const what = dropped === 1 ? "The oldest message was" : `The ${dropped} oldest messages were`;
    words.push(`${what} left out: the conversation is longer than the model takes.`);
  }
  if (words.length === 0) {
    return null;
  }
  return (
    <ul className={styles.notices}>
      {words.map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  );
}

function Calls({ calls }: { calls: readonly Call[] }) {
  return (
    <ul className={styles.calls} aria-label="Tools that the model asks for">
      {calls.map((call, index) => (
        <li key={call.id || index}>
          <strong>{call.name}</strong>
          <code>{call.arguments}</code>
        </li>
      ))}
    </ul>
  );
}

/** How it ended, where that is not by itself, and what to do. */
function Ending({ message }: { message: Message }) {
  const { session, canWrite } = useChat();
  const again = canWrite && !message.command ? () => session.regenerate(message.id) : undefined;
  if (message.state === Message_State.FAILED) {
    const { reason, message: what } = message.error ?? { reason: "", message: "" };
    return (
      <div className={styles.ending} role="note" data-bad="true">
        <p>
          {failureSentence(reason, what)} {remedy(reason)}
        </p>
        {again && (
          <Button size="small" icon={RefreshCw} onClick={again}>
            Try again
          </Button>
        )}
      </div>
    );
  }
  if (message.state === Message_State.INTERRUPTED) {
    return (
      <div className={styles.ending} role="note">
        <p>
          {message.command
            ? "Interrupted: the server stopped while the command ran. What it had done by then is done: look with /status."
            : "Interrupted: the server stopped while this was written. What had come is kept."}
        </p>
        {again && (
          <Button size="small" icon={RefreshCw} onClick={again}>
            Regenerate
          </Button>
        )}
      </div>
    );
  }
  const words = endWords(message);
  return words ? <p className={styles.note}>{words}</p> : null;
}

/** Another answer beside this one: by the same model, or by another. */
function Regenerate({ message }: { message: Message }) {
  const { session } = useChat();
  const { models } = useModels(false);
  const others = models.filter((model) => model.name !== message.model).slice(0, 30);
  return (
    <>
      <IconButton
        label="Regenerate"
        icon={RefreshCw}
        size="small"
        onClick={() => session.regenerate(message.id)}
      />
      {others.length > 0 && (
        <Menu
          trigger={<IconButton label="Regenerate with another model" icon={Sparkles} size="small" />}
          items={others.map((model) => ({
            label: model.name,
            disabled: !isReady(model),
            onSelect: () => session.regenerate(message.id, model.name),
          }))}
        />
      )}
    </>
  );
}
