// The line at the top: whose workspace, the way to everything, and what is shown. It must not know the views.

import {
  ChartColumn,
  Keyboard,
  KeyRound,
  LogOut,
  MessageSquare,
  PanelBottom,
  PanelLeft,
  PanelRight,
  Search,
  Settings,
} from "lucide-react";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { signOut } from "../sign-in/auth.ts";
import { Logo } from "../sign-in/Logo.tsx";
import { IconButton, Kbd, Menu, type MenuItem } from "../ui/index.ts";
import { useRole, useWorkspace } from "../workspace/hooks.tsx";
import styles from "./Header.module.css";
import { useView } from "./view.ts";

/** `bare`: there is nothing but one thing to see, so nothing to show or hide. */
export function Header({ bare }: { bare?: boolean }) {
  const name = useWorkspace((state) => state.me?.workspace?.name);
  const { leftPanel, setLeftPanel, setOverlay } = useView();
  return (
    <header className={styles.header}>
      <h1 className="visually-hidden">Mosaic</h1>
      <div className={styles.side}>
        {!bare && (
          <IconButton
            label={leftPanel === "open" ? "Hide conversations" : "Show conversations"}
            icon={PanelLeft}
            shortcut="Mod+B"
            aria-expanded={leftPanel === "open"}
            onClick={() => setLeftPanel(leftPanel === "open" ? "closed" : "open")}
          />
        )}
        <Menu
          align="start"
          trigger={
            <button
              type="button"
              className={styles.name}
              aria-label={`Mosaic, workspace ${name ?? ""}: menu`}
            >
              <Logo size={18} />
              <span className={styles.workspace}>{name ?? "Mosaic"}</span>
            </button>
          }
          items={usePageMenu()}
        />
      </div>
      <button type="button" className={styles.search} onClick={() => setOverlay("palette")}>
        <Search size={14} aria-hidden />
        <span className={styles.searchWords}>Search or run a command</span>
        <Kbd keys="Mod+K" />
      </button>
      <PanelButtons bare={bare} />
    </header>
  );
}

function PanelButtons({ bare }: { bare?: boolean }) {
  const { panel, setPanel, rightPanel, setRightPanel, setOverlay } = useView();
  return (
    <div className={`${styles.side} ${styles.end}`}>
      {!bare && (
        <>
          <IconButton
            label={panel === "closed" ? "Show terminals" : "Hide terminals"}
            icon={PanelBottom}
            shortcut="Mod+J"
            aria-expanded={panel !== "closed"}
            onClick={() => setPanel(panel === "closed" ? "open" : "closed")}
          />
          <IconButton
            label={rightPanel === "open" ? "Hide agents" : "Show agents"}
            icon={PanelRight}
            shortcut="Mod+Shift+G"
            aria-expanded={rightPanel === "open"}
            onClick={() => setRightPanel(rightPanel === "open" ? "closed" : "open")}
          />
        </>
      )}
      <IconButton label="Settings" icon={Settings} shortcut="Mod+," onClick={() => setOverlay("settings")} />
    </div>
  );
}

/** The page's own places and deeds, for the menu at the top and the view "More" of a phone. */
export function usePageMenu(): (MenuItem | "line")[] {
  const { openView, setOverlay } = useView();
  const admin = useRole() >= Role.ADMIN;
  const tokens: MenuItem[] = admin
    ? [{ label: "Tokens", icon: KeyRound, onSelect: () => openView("tokens") }]
    : [];
  return [
    { label: "Chat", icon: MessageSquare, onSelect: () => openView("chat") },
    { label: "Usage", icon: ChartColumn, onSelect: () => openView("usage") },
    ...tokens,
    "line",
    { label: "Settings", icon: Settings, shortcut: "Mod+,", onSelect: () => setOverlay("settings") },
    { label: "Keyboard shortcuts", icon: Keyboard, shortcut: "?", onSelect: () => setOverlay("shortcuts") },
    "line",
    { label: "Sign out", icon: LogOut, onSelect: () => void signOut() },
  ];
}
