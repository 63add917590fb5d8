// Where one types: text, images, commands and names, with the model that will answer.
// It must not know how what is typed is sent.

import { ArrowUp, ImagePlus, SlidersHorizontal, Square } from "lucide-react";
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Failure } from "../api/failure.ts";
import { type Message, Message_Role, Message_State } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { changeSettings, useSettings } from "../layout/settings.ts";
import { FailureNote, IconButton, Menu, toast } from "../ui/index.ts";
import { isApple } from "../ui/keys.ts";
import { Attached } from "./Attached.tsx";
import styles from "./Composer.module.css";
import { type Suggestion, useSuggestions } from "./completion.ts";
import { useChat } from "./context.ts";
import { refusalWords } from "./format.ts";
import { choose, IMAGE_TYPES } from "./images.ts";
import { ModelPicker } from "./ModelPicker.tsx";
import { modelOf, useModels } from "./models.ts";
import { SuggestionList } from "./SuggestionList.tsx";
import { useSessionState } from "./sessions.ts";
import { isCommand } from "./slash.ts";
import { emptyDraft } from "./state.ts";
import { shownBranch } from "./tree.ts";
import { grow } from "./UserMessage.tsx";

interface ComposerProps {
  model: string;
  onModel: (name: string) => void;
  onSettings: () => void;
  autoFocus?: boolean;
}

export function Composer({ model, onModel, onSettings, autoFocus }: ComposerProps) {
  const { session, edit } = useChat();
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = useState(0);
  const { draft, refused, streaming, sending, stopping } = useComposerState();
  const { models } = useModels(false);
  const key = useSettings((settings) => settings.sendKey);
  const text = draft.text;
  const command = isCommand(text) && draft.images.length === 0;
  const empty = text.trim() === "" && draft.images.length === 0;
  const canSend = !empty && !sending && (!streaming || command);
  const suggest = useSuggest(field, text, cursor);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another text, or another hint, has another height
  useLayoutEffect(() => grow(field.current), [text, streaming]);
  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (autoFocus && matchMedia("(hover: hover)").matches) {
      field.current?.focus();
    }
  }, [autoFocus]);

  /** What is to be sent as soon as what was said before is recorded: it follows that. */
  const wanted = useRef<typeof draft>(undefined);
  const send = () => {
    wanted.current = sending && !empty ? draft : undefined;
    if (canSend) {
      const { text: said, images } = draft;
      session.setDraft(emptyDraft);
      session.send(said, images);
    }
  };
  useEffect(() => {
    if (!sending && wanted.current !== undefined && wanted.current === draft) {
      send();
    }
  });
  const attach = async (files: readonly File[]) => {
    const { taken, refused: not } = choose(draft.images, files);
    for (const why of not.slice(0, 3)) {
      toast({ title: "Not attached", text: why, tone: "bad" });
    }
    const read = taken.map(async (file) => ({
      name: file.name,
      mediaType: file.type,
      data: new Uint8Array(await file.arrayBuffer()),
    }));
    const images = await Promise.all(read);
    const now = session.store.getState().draft;
    session.setDraft({ ...now, images: [...now.images, ...images].slice(0, 16) });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // Keys that choose a word of an input method are not ours.
    if (event.nativeEvent.isComposing || event.keyCode === 229 || suggest.onKeyDown(event)) {
      return;
    }
    const mod = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (key === "enter" || mod)) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && text === "" && !mod && !event.shiftKey) {
      const last = lastSaid(session.store.getState());
      if (last) {
        event.preventDefault();
        edit(last.id);
      }
    }
  };
  const chosen = modelOf(models, model);
  const blind = draft.images.length > 0 && chosen?.images === false;
  return (
    <div className={styles.composer}>
      {refused && <Refused failure={refused} retry={canSend ? send : undefined} />}
      {suggest.list}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: files may be dropped here; a button attaches them, too */}
      <div
        className={styles.box}
        data-command={command}
        onDragOver={(event: DragEvent) =>
          event.dataTransfer.types.includes("Files") && event.preventDefault()
        }
        onDrop={(event: DragEvent) => {
          if (event.dataTransfer.files.length > 0) {
            event.preventDefault();
            void attach([...event.dataTransfer.files]);
          }
        }}
      >
        <Attached draft={draft} onChange={(images) => session.setDraft({ ...draft, images })} />
        {blind && <p className={styles.hint}>{chosen?.name} does not see images.</p>}
        <textarea
          ref={field}
          rows={1}
          aria-label="Message"
          placeholder={streaming ? "Commands still go: /status" : "Message, / for commands, @ for names"}
          value={text}
          {...suggest.aria}
          onChange={(event) => {
            session.setDraft({ ...draft, text: event.target.value });
            setCursor(event.target.selectionStart);
          }}
          onSelect={(event) => setCursor(event.currentTarget.selectionStart)}
          onBlur={suggest.dismiss}
          onKeyDown={onKeyDown}
          onPaste={(event: ClipboardEvent) => {
            const files = [...event.clipboardData.files];
            if (files.length > 0 && !event.clipboardData.types.includes("text/plain")) {
              event.preventDefault();
              void attach(files);
            }
          }}
        />
        <div className={styles.bar}>
          <ModelPicker value={model} onChange={onModel} />
          <IconButton
            label="Attach images"
            icon={ImagePlus}
            size="small"
            onClick={() => picker.current?.click()}
          />
          <Menu
            trigger={<IconButton label="Chat settings" icon={SlidersHorizontal} size="small" />}
            items={[
              { label: "Conversation settings…", onSelect: onSettings },
              {
                label: key === "enter" ? `Send with ${isApple() ? "Cmd" : "Ctrl"}+Enter` : "Send with Enter",
                onSelect: () => changeSettings({ sendKey: key === "enter" ? "mod-enter" : "enter" }),
              },
            ]}
          />
          <span className={styles.space} />
          {streaming && !(command && canSend) ? (
            <IconButton
              label="Stop"
              icon={Square}
              variant="primary"
              disabled={stopping}
              onClick={() => stop(session, streaming)}
            />
          ) : (
            <IconButton label="Send" icon={ArrowUp} variant="primary" disabled={!canSend} onClick={send} />
          )}
        </div>
        <input
          ref={picker}
          type="file"
          hidden
          multiple
          accept={IMAGE_TYPES.join(",")}
          onChange={(event) => {
            void attach([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
      </div>
    </div>
  );
}

/** Why it was not sent, and what to do. */
function Refused({ failure, retry }: { failure: Failure; retry?: () => void }) {
  // The same text would be wrong again.
  const again = failure.code === "invalid_argument" ? undefined : retry;
  return (
    <div className={styles.refused}>
      <FailureNote failure={{ ...failure, message: refusalWords(failure) }} retry={again} />
    </div>
  );
}

export function stop(session: ReturnType<typeof useChat>["session"], messageId: string): void {
  session.stop(messageId).catch(() => {
    toast({ title: "Not stopped", text: "The server could not be reached. Try again.", tone: "bad" });
  });
}

function useComposerState() {
  const { session } = useChat();
  const { draft, refused, outbox, tree, head, stopping } = useSessionState(session, (state) => ({
    draft: state.draft,
    refused: state.refused,
    outbox: state.outbox,
    tree: state.tree,
    head: state.head,
    stopping: state.stopping,
  }));
  const sending = outbox.some(({ phase }) => phase !== "failed");
  const streaming = useMemo(() => streamingIn(shownBranch(tree, head)), [tree, head]);
  return { draft, refused, sending, streaming, stopping: streaming !== undefined && stopping.has(streaming) };
}

/** The answer that is being written in a branch. */
export function streamingIn(branch: readonly Message[]): string | undefined {
  return branch.findLast(({ state }) => state === Message_State.STREAMING)?.id;
}

function lastSaid({
  tree,
  head,
}: {
  tree: Parameters<typeof shownBranch>[0];
  head: string;
}): Message | undefined {
  return shownBranch(tree, head).findLast(
    (message) => message.role === Message_Role.USER && message.toolResults.length === 0,
  );
}

/** The list of what could follow, and the keys that walk through it. */
function useSuggest(field: React.RefObject<HTMLTextAreaElement | null>, text: string, cursor: number) {
  const id = useId();
  const { items, eager } = useSuggestions(text, cursor);
  const [dismissed, setDismissed] = useState<string>();
  const [walked, setWalked] = useState<{ items: readonly Suggestion[]; at: number }>();
  const at = walked?.items === items ? walked.at : eager ? 0 : -1;
  const open = items.length > 0 && dismissed !== text;
  const take = (item: Suggestion | undefined) => {
    if (item && field.current) {
      insert(field.current, item.from, cursor, item.text);
    }
  };
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!open || event.altKey || event.ctrlKey || event.metaKey) {
      return false;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      setWalked({ items, at: (Math.max(at, step < 0 ? 0 : -1) + step + items.length) % items.length });
    } else if (event.key === "Escape") {
      event.stopPropagation();
      setDismissed(text);
    } else if ((event.key === "Tab" && !event.shiftKey) || (event.key === "Enter" && at >= 0)) {
      take(items[Math.max(at, 0)]);
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  };
  const active = open && at >= 0 ? `${id}-${at}` : undefined;
  return {
    onKeyDown,
    dismiss: () => setDismissed(text),
    aria: {
      "aria-autocomplete": "list" as const,
      "aria-controls": open ? id : undefined,
      "aria-activedescendant": active,
    },
    list: open ? <SuggestionList id={id} items={items} at={at} onTake={take} /> : null,
  };
}

/** As if it were typed: so it can be taken back. */
function insert(field: HTMLTextAreaElement, from: number, to: number, text: string): void {
  field.focus();
  field.setSelectionRange(from, to);
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
