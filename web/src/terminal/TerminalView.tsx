// One terminal as a person sees it: its screen, and bars that say what the screen cannot.
//
// It must not know tabs. What it shows lives in a session, which outlasts it.

import { useCallback, useEffect, useRef, useState } from "react";
import { failureOf } from "../api/failure.ts";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { useSettings } from "../layout/settings.ts";
import { useTheme } from "../layout/theme.ts";
import { copyOrTell, toast, useConfirm } from "../ui/index.ts";
import { useClients, useRole, useWorkspace } from "../workspace/hooks.tsx";
import { Bars } from "./Bars.tsx";
import { playBell } from "./bell.ts";
import { clipboardPreview } from "./clipboard-request.ts";
import { EarlierBar } from "./EarlierBar.tsx";
import { MAC } from "./hooks.ts";
import { KeyRow } from "./KeyRow.tsx";
import { terminalKeys } from "./key-handler.ts";
import { isRenaming } from "./RenameField.tsx";
import { SearchBar } from "./SearchBar.tsx";
import type { Session } from "./session.ts";
import type { Desk, ReadOnly } from "./session-state.ts";
import { onLookChange, useTerminalSettings } from "./settings.ts";
import { TerminalMenu } from "./TerminalMenu.tsx";
import styles from "./TerminalView.module.css";
import { useSession, useSessionState } from "./use-session.ts";
import { useViewerCount } from "./viewers.ts";
import { isLive } from "./words.ts";

export interface TerminalViewProps {
  terminalId: string;
  /** Nobody types here, whatever their role is. */
  readOnly?: boolean;
  /** The focus goes there as soon as it is shown. */
  autoFocus?: boolean;
  /** It ended and was started again: this one takes its place. */
  onRestarted?: (terminalId: string) => void;
  /** The place is to show something else. */
  onClose?: () => void;
  onFocus?: () => void;
}

export function TerminalView(props: TerminalViewProps) {
  const session = useSession(props.terminalId);
  const { terminal: palette } = useTheme();
  const name = useWorkspace((state) => state.terminals.get(props.terminalId)?.name) ?? "";
  return (
    <section
      className={styles.view}
      style={{ background: palette.background }}
      aria-label={`Terminal ${name}`.trim()}
      onFocus={props.onFocus}
    >
      {session !== undefined && <Shown key={props.terminalId} session={session} {...props} />}
    </section>
  );
}

function Shown({
  session,
  readOnly,
  autoFocus,
  onRestarted,
  onClose,
}: TerminalViewProps & { session: Session }) {
  const place = useRef<HTMLDivElement>(null);
  const [searching, setSearching] = useState(false);
  const closeSearch = useCallback(() => {
    setSearching(false);
    session.focus();
  }, [session]);
  const why = useReadOnly(session, readOnly === true);
  useEffect(() => session.setReadOnly(why), [session, why]);
  usePlace(session, place, autoFocus === true);
  useDesk(session);
  useTerminalKeys(session, () => setSearching(true));
  useLabels(session);
  useTitle(session);
  useDeleted(session);
  useViewerCount(session, why !== "ended");
  const ready = useSessionState(session, (state) => state.ready);
  const earlier = useSessionState(session, (state) => state.earlier);
  const others = useSessionState(session, (state) => state.othersSize !== undefined);

  return (
    <>
      <TerminalMenu session={session} onFind={() => setSearching(true)}>
        <div
          ref={place}
          className={styles.place}
          data-ready={ready || earlier === "loading"}
          data-others={others}
          // The screen fills its place to the edge; a click beside it is meant for it.
          onPointerDown={(event) => event.target === place.current && session.focus()}
        />
      </TerminalMenu>
      <Bell session={session} />
      <EarlierBar session={session} />
      {searching && <SearchBar session={session} onClose={closeSearch} />}
      <LinkHint session={session} />
      <Bars session={session} onRestarted={onRestarted} onClose={onClose} />
      {why === undefined && <KeyRow session={session} />}
    </>
  );
}

function useReadOnly(session: Session, asked: boolean): ReadOnly | undefined {
  const role = useRole();
  const known = useWorkspace((state) => state.terminals.get(session.terminalId));
  const told = useSessionState(session, (state) => state.terminal);
  const ended = [known, told].some((terminal) => terminal !== undefined && !isLive(terminal));
  return ended ? "ended" : role === Role.VIEWER ? "viewer" : asked ? "asked" : undefined;
}

/** The session's screen is in the place, as large as it, for as long as the view is there. */
function usePlace(session: Session, place: React.RefObject<HTMLDivElement | null>, autoFocus: boolean): void {
  const { terminal: palette, name } = useTheme();
  // Solarized's bright colours are its greys.
  useEffect(() => session.screen.setTheme(palette, name !== "solarized"), [session, palette, name]);
  useEffect(() => {
    const element = place.current;
    if (element === null) {
      return;
    }
    session.attach(element);
    let frame = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => session.place());
    });
    observer.observe(element);
    const stopSettings = onLookChange(() => session.place());
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      stopSettings();
      session.detach();
    };
  }, [session, place]);
  useEffect(() => {
    // Who walks along the tabs with the keyboard stays there.
    if (autoFocus && !document.activeElement?.closest('[role="tablist"]') && !isRenaming()) {
      session.focus();
    }
  }, [session, autoFocus]);
}

/** The words with a person that a session needs. */
function useDesk(session: Session): void {
  const confirm = useConfirm();
  useEffect(() => {
    const name = () => session.state.getState().terminal?.name ?? "the terminal";
    let asked = 0;
    const desk: Desk = {
      askPaste: (question) => confirm({ ...question, confirm: "Paste" }),
      pasteTooLong: () =>
        toast({ title: "Too much to paste", text: "More than 16 MiB: copy it as a file.", tone: "bad" }),
      askClipboard: (text, allow) => {
        // A program that asks all the time is heard every few seconds.
        if (Date.now() - asked > 3000) {
          asked = Date.now();
          toast({
            title: `A program in ${name()} wants to write to the clipboard`,
            text: `${clipboardPreview(text)} (${text.length.toLocaleString()} characters)`,
            action: { label: "Allow", onSelect: allow },
          });
        }
      },
      copied: (text) => void copyOrTell(text),
    };
    session.desk = desk;
    return () => {
      session.desk = undefined;
    };
  }, [session, confirm]);
}

function useTerminalKeys(session: Session, find: () => void): void {
  const finder = useRef(find);
  finder.current = find;
  useEffect(() => {
    session.screen.term.attachCustomKeyEventHandler(terminalKeys(session, MAC, () => finder.current()));
  }, [session]);
}

/** What a screen reader says of the terminal: its name, and how Tab gets out of it. */
function useLabels(session: Session): void {
  const name = useWorkspace((state) => state.terminals.get(session.terminalId)?.name);
  const told = useSessionState(session, (state) => state.terminal?.name);
  const moves = useTerminalSettings((settings) => settings.tabMovesFocus);
  const ready = useSessionState(session, (state) => state.ready);
  useEffect(() => {
    const area = session.screen.term.textarea;
    if (ready && area) {
      area.setAttribute("aria-label", `Terminal ${name ?? told ?? ""}`.trim());
      area.setAttribute(
        "aria-description",
        moves
          ? "Tab moves the focus. Control Shift M gives Tab back to the terminal."
          : "Tab goes to the program. Control Shift M lets Tab move the focus out of the terminal.",
      );
    }
  }, [session, name, told, moves, ready]);
}

/** The workspace hears of titles from whoever shows the terminal. */
function useTitle(session: Session): void {
  const report = useWorkspace((state) => state.reportTitle);
  const title = useSessionState(session, (state) => state.terminal?.title);
  useEffect(() => {
    if (title !== undefined) {
      report(session.terminalId, title);
    }
  }, [session, title, report]);
}

/** What the workspace knew last outlasts its deletion. */
function useDeleted(session: Session): void {
  const { terminals } = useClients();
  const known = useWorkspace((state) => state.terminals.get(session.terminalId));
  const before = useRef(known);
  useEffect(() => {
    const last = before.current;
    before.current = known;
    if (known !== undefined || last === undefined) {
      return;
    }
    // The page forgets the oldest of very many itself.
    terminals.getTerminal({ terminalId: session.terminalId }).catch((error) => {
      const deleted = failureOf(error).reason === "TERMINAL_NOT_FOUND";
      session.state.setState(deleted ? { terminal: last, deleted } : {});
    });
  }, [session, terminals, known]);
}

/** A flash of the edge, or a tone, as the page's settings say. */
function Bell({ session }: { session: Session }) {
  const rings = useSessionState(session, (state) => state.bell);
  const how = useSettings((settings) => settings.bell);
  const heard = useRef(rings);
  useEffect(() => {
    if (rings !== heard.current && how === "sound") {
      playBell();
    }
    heard.current = rings;
  }, [rings, how]);
  return rings > 0 && how === "flash" ? <div key={rings} className={styles.bell} aria-hidden="true" /> : null;
}

function LinkHint({ session }: { session: Session }) {
  const link = useSessionState(session, (state) => state.link);
  if (link === undefined) {
    return null;
  }
  return (
    <div className={styles.link} role="tooltip" style={{ left: link.x, top: link.y }}>
      <span className={styles.url}>{link.url}</span>
      <span className={styles.how}>{MAC ? "Cmd" : "Ctrl"} + click to open</span>
    </div>
  );
}
