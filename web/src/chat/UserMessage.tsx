// What a person said: its text as it was typed, its images, and how to edit it.
// It must not know how it is sent.

import { Pencil } from "lucide-react";
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import { failureOf } from "../api/failure.ts";
import type { Message } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Button, CopyButton, IconButton, toast } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import { Branches } from "./Branches.tsx";
import { useChat } from "./context.ts";
import { Images } from "./Images.tsx";
import styles from "./Message.module.css";
import { useShow } from "./show.ts";
import { typedText } from "./slash.ts";

/** Letters and lines of a message that are shown at first. */
const FOLDED_LETTERS = 1600;
const FOLDED_LINES = 16;

interface UserMessageProps {
  message: Message;
  siblings: readonly string[];
  index: number;
}

export const UserMessage = memo(function UserMessage({ message, siblings, index }: UserMessageProps) {
  const { canWrite, editing, edit } = useChat();
  const show = useShow();
  if (editing === message.id) {
    return <Editor message={message} />;
  }
  return (
    <article className={styles.user} aria-label="You">
      {message.images.length > 0 && <Images messageId={message.id} images={message.images} />}
      {message.content !== "" && <Said text={message.content} command={message.command} />}
      {message.toolResults.length > 0 && (
        <p className={styles.note}>
          {message.toolResults.length === 1
            ? "A tool's result"
            : `${message.toolResults.length} results of tools`}
        </p>
      )}
      <footer className={styles.actions}>
        <Branches ids={siblings} index={index} onShow={show} />
        <span className={styles.hidden}>
          <CopyButton label="Copy message" text={message.content} />
          {canWrite && message.toolResults.length === 0 && (
            <IconButton label="Edit message" icon={Pencil} size="small" onClick={() => edit(message.id)} />
          )}
        </span>
      </footer>
    </article>
  );
});

export function Said({ text, command, waiting }: { text: string; command: boolean; waiting?: boolean }) {
  const [open, setOpen] = useState(false);
  const cut = open ? text.length : foldedAt(text);
  return (
    <div className={styles.bubble} data-command={command} data-waiting={waiting}>
      <div className={styles.said}>{text.slice(0, cut)}</div>
      {(cut < text.length || open) && (
        <button type="button" className={styles.more} onClick={() => setOpen(!open)}>
          {open ? "Show less" : "Show all of it"}
        </button>
      )}
    </div>
  );
}

/** Where a long text is cut; at its length, if it is short. */
function foldedAt(text: string): number {
  let at = -1;
  for (let lines = 0; lines < FOLDED_LINES; lines += 1) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) {
      break;
    }
  }
  const byLines = at < 0 ? text.length : at;
  // A few letters more are not worth a button.
  return text.length - byLines < 80 && text.length < FOLDED_LETTERS * 1.2
    ? text.length
    : Math.min(byLines, text.length < FOLDED_LETTERS * 1.2 ? text.length : FOLDED_LETTERS);
}

function Editor({ message }: { message: Message }) {
  const { session, edit } = useChat();
  const { chat } = useClients();
  const [text, setText] = useState(typedText(message));
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(typedText(message).length, typedText(message).length);
  }, [message]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a text of another length has another height
  useLayoutEffect(() => {
    grow(field.current);
  }, [text]);

  const send = async () => {
    setBusy(true);
    try {
      const images = await imagesOf(chat, message);
      edit(undefined);
      session.send(text, images, message.parentId);
    } catch (error) {
      toast({ title: "Not sent", text: failureOf(error).message, tone: "bad" });
      setBusy(false);
    }
  };
  const empty = text.trim() === "" && message.images.length === 0;
  return (
    <form
      className={styles.editor}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        ref={field}
        aria-label="Edit message"
        value={text}
        rows={1}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            edit(undefined);
          } else if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing && !empty) {
            event.preventDefault();
            void send();
          }
        }}
      />
      <footer>
        <span className={styles.note}>What follows stays as another version.</span>
        <Button variant="ghost" size="small" onClick={() => edit(undefined)}>
          Cancel
        </Button>
        <Button variant="primary" size="small" type="submit" disabled={empty || busy}>
          Send
        </Button>
      </footer>
    </form>
  );
}

async function imagesOf(chat: ReturnType<typeof useClients>["chat"], message: Message) {
  if (message.images.length === 0) {
    return [];
  }
  const { message: whole } = await chat.getMessage({ messageId: message.id });
  return (whole ?? message).images.map(({ mediaType, data }, index) => ({
    mediaType,
    data: data as Uint8Array<ArrayBuffer>,
    name: `Image ${index + 1}`,
  }));
}

/** As high as its text. */
export function grow(field: HTMLTextAreaElement | null): void {
  if (field) {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }
}
