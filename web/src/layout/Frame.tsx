// The one page of who is signed in: its parts, side by side or, on a narrow one, one at a time. It must not know what
// is in them.

import { Suspense, useEffect } from "react";
import type { Failure } from "../api/failure.ts";
import { CommandCardContext } from "../chat/cards.ts";
import { useConnection, useWorkspace } from "../workspace/hooks.tsx";
import { Banner } from "./Banner.tsx";
import { Desk } from "./Desk.tsx";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import styles from "./Frame.module.css";
import {
  AgentDialogs,
  ChatOverlay,
  CommandCard,
  Palette,
  SettingsDialog,
  ShortcutsDialog,
} from "./features.tsx";
import { Header } from "./Header.tsx";
import { Notifications } from "./Notifications.tsx";
import { OneTerminal } from "./OneTerminal.tsx";
import { Phone } from "./Phone.tsx";
import { focusRegion } from "./regions.ts";
import { StatusBar } from "./StatusBar.tsx";
import { useFrameCommands } from "./useFrameCommands.ts";
import { useShortcuts } from "./useShortcuts.ts";
import { useTitle } from "./useTitle.ts";
import { useView } from "./view.ts";
import { syncView } from "./viewSync.ts";

export function Frame({ onRefused }: { onRefused(why: Failure): void }) {
  useEffect(syncView, []);
  useFrameCommands();
  useShortcuts();
  useTitle();
  useRefusal(onRefused);
  const narrow = useView((view) => view.narrow);
  const only = useWorkspace((state) => state.me?.token?.terminalId);
  return (
    <CommandCardContext value={CommandCard}>
      <div className={styles.frame}>
        <SkipLinks />
        <Banner />
        {only ? (
          <OneTerminal terminalId={only} />
        ) : narrow ? (
          <Phone />
        ) : (
          <>
            <Header />
            <Desk />
            <StatusBar />
          </>
        )}
        <Overlays />
        <Notifications />
      </div>
    </CommandCardContext>
  );
}

/** Tells once when the server refuses the token, by a stream or by a call. */
function useRefusal(onRefused: (why: Failure) => void): void {
  const connection = useConnection();
  const problem = useWorkspace((state) => state.problem);
  const why =
    connection.state === "refused"
      ? connection.why
      : problem?.code === "unauthenticated"
        ? problem
        : undefined;
  useEffect(() => {
    if (why) onRefused(why);
  }, [why, onRefused]);
}

function SkipLinks() {
  return (
    <nav className={styles.skip} aria-label="Skip">
      <button type="button" onClick={() => focusRegion("main")}>
        Skip to the main part
      </button>
      <button type="button" onClick={() => focusRegion("terminals")}>
        Skip to the terminals
      </button>
    </nav>
  );
}

function Overlays() {
  const { overlay, setOverlay } = useView();
  const close = () => setOverlay(undefined);
  return (
    <ErrorBoundary name="A dialog" of={overlay} onClose={close}>
      <Suspense fallback={null}>
        {overlay === "palette" && <Palette open onClose={close} />}
        {overlay === "settings" && <SettingsDialog open onClose={close} />}
        {overlay === "shortcuts" && <ShortcutsDialog open onClose={close} />}
        <ChatOverlay />
        <AgentDialogs />
      </Suspense>
    </ErrorBoundary>
  );
}
