// The views, each loaded when it is shown first. It must not know what is in them.

import { type ComponentType, lazy, type ReactNode, Suspense } from "react";
import type { CommandResult } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Spinner } from "../ui/index.ts";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import styles from "./features.module.css";

const chatView = () => import("../chat/ChatView.tsx");
const conversationList = () => import("../chat/ConversationList.tsx");
const terminalPanel = () => import("../terminal/TerminalPanel.tsx");
const agentsPanel = () => import("../agents/AgentsPanel.tsx");

/** Asks for what everybody sees first, so that it comes while React begins and somebody signs in. */
export function fetchFirstViews(): void {
  for (const view of [chatView, conversationList, terminalPanel, agentsPanel]) {
    // Whoever shows it asks again, and says what is wrong.
    view().catch(() => {});
  }
}

export const ChatView = lazy(async () => only((await chatView()).ChatView));
export const ConversationList = lazy(async () => only((await conversationList()).ConversationList));
export const ChatOverlay = lazy(async () => only((await import("../chat/ChatOverlay.tsx")).ChatOverlay));
export const TerminalPanel = lazy(async () => only((await terminalPanel()).TerminalPanel));
export const TerminalView = lazy(async () =>
  only((await import("../terminal/TerminalView.tsx")).TerminalView),
);
export const AgentsPanel = lazy(async () => only((await agentsPanel()).AgentsPanel));
export const AgentDialogs = lazy(async () => only((await import("../agents/AgentDialogs.tsx")).AgentDialogs));
export const CommandCard = lazy(async () => only((await import("../agents/CommandCard.tsx")).CommandCard));
export const UsageView = lazy(async () => only((await import("../usage/UsageView.tsx")).UsageView));
export const TokensView = lazy(async () => only((await import("../tokens/TokensView.tsx")).TokensView));
export const Palette = lazy(async () => only((await import("./Palette.tsx")).Palette));
export const SettingsDialog = lazy(async () => only((await import("./SettingsDialog.tsx")).SettingsDialog));
export const ShortcutsDialog = lazy(async () =>
  only((await import("./ShortcutsDialog.tsx")).ShortcutsDialog),
);

/** A command's result as sentences. */
export async function resultWords(result: CommandResult): Promise<string> {
  return (await import("../agents/result-words.ts")).resultWords(result);
}

function only<P>(component: ComponentType<P>): { default: ComponentType<P> } {
  return { default: component };
}

/** Where a view stands: what it shows until it is there, and when it fails. */
export function Stand({ name, of, children }: { name: string; of?: string; children: ReactNode }) {
  return (
    <ErrorBoundary name={name} of={of}>
      <Suspense fallback={<Loading />}>{children}</Suspense>
    </ErrorBoundary>
  );
}

export function Loading() {
  return (
    <div className={styles.loading}>
      <Spinner label="Loading…" />
    </div>
  );
}
