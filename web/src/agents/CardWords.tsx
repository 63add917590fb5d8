// Help and refusals in a conversation, with what may have been meant as buttons. It must not know what commands do.

import { CircleAlert } from "lucide-react";
import type { CommandError, CommandResult_Help } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Button, useConfirm } from "../ui/index.ts";
import styles from "./Card.module.css";
import { CardBox } from "./CardBox.tsx";
import { candidateCommand, isDangerous } from "./card-commands.ts";
import { errorWords } from "./result-words.ts";

interface HelpCardProps {
  help: CommandResult_Help;
  onRun(text: string): void;
}

export function HelpCard({ help, onRun }: HelpCardProps) {
  const one = help.commands.length === 1 ? help.commands[0] : undefined;
  return (
    <CardBox label="Commands">
      <h3 className={styles.title}>{one ? `/${one.name}` : "Commands"}</h3>
      <dl className={styles.commands}>
        {help.commands.map((command) => (
          <div key={command.name} className={styles.command}>
            <dt>
              {one ? (
                <code>{command.usage}</code>
              ) : (
                <button
                  type="button"
                  className={styles.usage}
                  title={`Explain /${command.name}`}
                  onClick={() => onRun(`/help ${command.name}`)}
                >
                  {command.usage}
                </button>
              )}
            </dt>
            <dd>
              <Words text={command.summary} />
            </dd>
          </div>
        ))}
      </dl>
      {one && one.options.length > 0 && (
        <dl className={styles.options}>
          {one.options.map((option) => (
            <div key={option.name} className={styles.command}>
              <dt>
                <code>{option.name}</code>
              </dt>
              <dd>
                {option.value}
                {option.repeated && ", several times"}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </CardBox>
  );
}

/** What stands between backticks is code. */
function Words({ text }: { text: string }) {
  return text.split("`").map((part, at) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text have no other identity
    at % 2 === 1 ? <code key={at}>{part}</code> : part,
  );
}

interface ErrorCardProps {
  command: string;
  error: CommandError;
  onRun(text: string): void;
}

export function ErrorCard({ command, error, onRun }: ErrorCardProps) {
  const confirm = useConfirm();
  const run = async (text: string) => {
    const may =
      !isDangerous(text) ||
      (await confirm({
        title: "Run it?",
        text: `${text} ends agents and everything that they started.`,
        confirm: "Run it",
        danger: true,
      }));
    if (may) {
      onRun(text);
    }
  };
  const { suggestion, candidates } = error;
  return (
    <CardBox label="It was not done">
      <div className={styles.error}>
        <CircleAlert size={15} aria-hidden />
        {/* The reason is a program's word: it is there for who asks. */}
        <p className={styles.words} title={error.reason}>
          {errorWords(command, error)}
        </p>
      </div>
      {(suggestion || candidates.length > 0) && (
        <div className={styles.choices}>
          <span className={styles.dim}>Did you mean</span>
          {suggestion && (
            <Button size="small" onClick={() => void run(suggestion)}>
              {suggestion}
            </Button>
          )}
          {candidates.map((candidate) => {
            const text = candidateCommand(command, candidate);
            return text === undefined ? (
              <code key={candidate}>{candidate}</code>
            ) : (
              <Button key={candidate} size="small" onClick={() => void run(text)}>
                {text}
              </Button>
            );
          })}
        </div>
      )}
    </CardBox>
  );
}
