// A conversation: its messages, and where one types; or the place where a new one begins.
// It must not know where on the page it stands.

import { MessageSquareOff } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useState } from "react";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useView } from "../layout/view.ts";
import { Button, Empty } from "../ui/index.ts";
import { useRole, useWorkspace } from "../workspace/hooks.tsx";
import { Announcer } from "./Announcer.tsx";
import { useConversationActions } from "./actions.ts";
import { ChatHeader } from "./ChatHeader.tsx";
import styles from "./ChatView.module.css";
import { Composer, stop, streamingIn } from "./Composer.tsx";
import { ChatContext } from "./context.ts";
import { SettingsDialog } from "./SettingsDialog.tsx";
import type { Session } from "./session.ts";
import { useSession, useSessionState, useSessions } from "./sessions.ts";
import { settingsOf } from "./settings.ts";
import type { Settings } from "./state.ts";
import { Thread } from "./Thread.tsx";
import { shownBranch } from "./tree.ts";

export interface ChatViewProps {
  /** Absent: a new conversation. */
  conversationId?: string;
  autoFocus?: boolean;
  /** What was said first has made a conversation. By default it is shown. */
  onMade?: (conversationId: string) => void;
}

/** So long after the chat is there Markdown is fetched, if no answer has asked for it. */
const MARKDOWN_MS = 2_000;

export function ChatView({ conversationId = "", autoFocus = true, onMade = showMade }: ChatViewProps) {
  const session = useSession(conversationId);
  const sessions = useSessions();
  useEffect(() => {
    if (conversationId === "") {
      return sessions.onMade(onMade);
    }
  }, [sessions, conversationId, onMade]);
  useEffect(() => {
    // For the first answer; and the server may be away when it comes. Not while the page is still loading.
    const timer = setTimeout(() => void import("./Markdown.tsx").catch(() => {}), MARKDOWN_MS);
    return () => clearTimeout(timer);
  }, []);
  // Nothing of one conversation's look stays in another's.
  return <Chat key={conversationId} session={session} autoFocus={autoFocus} />;
}

/** The way back skips the empty one. */
function showMade(conversationId: string): void {
  useView.getState().openConversation(conversationId, { replace: true });
}

function Chat({ session, autoFocus }: { session: Session; autoFocus: boolean }) {
  const canWrite = useRole() >= Role.MEMBER;
  const [editing, edit] = useState<string>();
  const [dialog, setDialog] = useState(false);
  const around = useMemo(() => ({ session, canWrite, editing, edit }), [session, canWrite, editing]);
  const { conversation, gone, settings, started } = useSessionState(session, (state) => ({
    conversation: state.conversation,
    gone: state.gone,
    settings: state.settings,
    started: session.id !== "" || state.outbox.length > 0,
  }));
  const streaming = useSessionState(session, ({ tree, head }) => streamingIn(shownBranch(tree, head)));
  const save = useSave(session);
  const current = conversation ? settingsOf(conversation) : settings;
  if (gone) {
    return <Gone />;
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.defaultPrevented && streaming && canWrite) {
      event.preventDefault();
      stop(session, streaming);
    }
  };
  return (
    <ChatContext value={around}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape stops the answer wherever the focus is in it */}
      <div className={styles.chat} onKeyDown={onKeyDown}>
        <ChatHeader conversation={conversation} canWrite={canWrite} onSettings={() => setDialog(true)} />
        {started ? <Thread /> : <Welcome />}
        {canWrite ? (
          <Composer
            model={current.model}
            onModel={(model) => void save({ ...current, model }).catch(() => undefined)}
            onSettings={() => setDialog(true)}
            autoFocus={autoFocus}
          />
        ) : (
          <ReadOnly />
        )}
        <Announcer session={session} messageId={streaming} />
        <SettingsDialog open={dialog} onOpenChange={setDialog} settings={current} onSave={save} />
      </div>
    </ChatContext>
  );
}

/** Keeps settings: of a conversation at the server, of a new one until it is made. */
function useSave(session: Session): (settings: Settings) => Promise<void> {
  const actions = useConversationActions();
  return async (settings) => {
    if (session.id === "") {
      session.setSettings(settings);
      return;
    }
    await actions.change(session.id, settings);
  };
}

function Welcome() {
  return (
    <div className={styles.welcome}>
      <h2>What shall we do?</h2>
      <p>
        Ask a model, or run a command. Everything is kept, also when you leave in the middle of an answer.
      </p>
      <ul>
        <li>
          <kbd>/spawn</kbd> starts an agent
        </li>
        <li>
          <kbd>/status</kbd> shows what runs
        </li>
        <li>
          <kbd>@</kbd> names an agent or a terminal
        </li>
      </ul>
    </div>
  );
}

function Gone() {
  const openConversation = useView((view) => view.openConversation);
  return (
    <div className={styles.gone}>
      <Empty
        icon={MessageSquareOff}
        title="This conversation is not there"
        text="It was deleted, or it belongs to another workspace."
        action={<Button onClick={() => openConversation(undefined)}>New conversation</Button>}
      />
    </div>
  );
}

/** Those who may only read are told why. */
function ReadOnly() {
  const token = useWorkspace((state) => state.me?.token);
  const why = token?.readOnly ? "Your token is for reading only." : "Your token has the role Viewer.";
  return (
    <p className={styles.readOnly} role="note">
      You can read here, but not write. {why} An admin can make one that may.
    </p>
  );
}
