// The commands of the page itself: what is shown, where the focus is, how it looks. It must not know the views.

import {
  Bot,
  ChartColumn,
  Command as CommandIcon,
  Keyboard,
  KeyRound,
  LogOut,
  Maximize2,
  MessageSquare,
  PanelBottom,
  PanelLeft,
  PanelRight,
  Settings,
  SquarePen,
  SunMoon,
} from "lucide-react";
import { useEffect } from "react";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { signOut } from "../sign-in/auth.ts";
import { THEME_LABELS, THEME_NAMES } from "../ui/index.ts";
import { useRole } from "../workspace/hooks.tsx";
import { type Command, registerCommand, useCommand } from "./commands.ts";
import { focusRegion, stepRegion } from "./regions.ts";
import { changeSettings } from "./settings.ts";
import { type Overlay, useView } from "./view.ts";

export function useFrameCommands(): void {
  const admin = useRole() >= Role.ADMIN;
  useCommand(admin ? TOKENS : undefined);
  useEffect(() => {
    const undo = [...overlays(), ...panels(), ...places(), ...themes()].map(registerCommand);
    return () => {
      for (const each of undo) each();
    };
  }, []);
}

const view = useView.getState;

const TOKENS: Command = {
  id: "go.tokens",
  title: "Tokens",
  section: "Go to",
  icon: KeyRound,
  run: () => view().openView("tokens"),
};

/** The view opens first, then it can have the focus. */
function afterDrawing(then: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(then));
}

function overlays(): Command[] {
  const toggle = (overlay: Overlay) => () =>
    view().setOverlay(view().overlay === overlay ? undefined : overlay);
  return [
    {
      id: "page.palette",
      title: "Command palette",
      section: "Page",
      shortcut: ["Mod+K", "Ctrl+Shift+K", "Ctrl+Shift+P", "Mod+Shift+P"],
      icon: CommandIcon,
      inPalette: false,
      run: toggle("palette"),
    },
    {
      // Here, since the chat itself is loaded later than its keys are pressed.
      id: "chat.overlay",
      title: "Chat over the page",
      section: "Chat",
      shortcut: "Mod+Shift+J",
      icon: MessageSquare,
      run: toggle("chat"),
    },
    {
      id: "page.settings",
      title: "Settings",
      section: "Page",
      shortcut: "Mod+,",
      icon: Settings,
      keywords: "theme font notifications preferences",
      run: toggle("settings"),
    },
    {
      id: "page.shortcuts",
      title: "Keyboard shortcuts",
      section: "Page",
      shortcut: ["?", "Mod+/"],
      icon: Keyboard,
      keywords: "help keys",
      run: toggle("shortcuts"),
    },
  ];
}

function panels(): Command[] {
  const toggleTerminals = () => view().setPanel(view().panel === "closed" ? "open" : "closed");
  return [
    {
      id: "panels.conversations",
      title: "Show or hide conversations",
      section: "Panels",
      shortcut: "Mod+B",
      icon: PanelLeft,
      run: () => view().setLeftPanel(view().leftPanel === "open" ? "closed" : "open"),
    },
    {
      id: "panels.terminals",
      title: "Show or hide terminals",
      section: "Panels",
      shortcut: ["Mod+J", "Ctrl+Shift+L"],
      icon: PanelBottom,
      run: toggleTerminals,
    },
    {
      id: "panels.full",
      title: "Terminals on the full page",
      section: "Panels",
      shortcut: "Mod+Shift+Enter",
      icon: Maximize2,
      keywords: "maximize full screen restore",
      run: () => view().setPanel(view().panel === "full" ? "open" : "full"),
    },
    {
      id: "panels.agents",
      title: "Show or hide agents",
      section: "Panels",
      shortcut: ["Mod+Shift+G", "Ctrl+Shift+G"],
      icon: PanelRight,
      run: () => view().setRightPanel(view().rightPanel === "open" ? "closed" : "open"),
    },
    {
      id: "panels.next",
      title: "Go to the next part of the page",
      section: "Panels",
      shortcut: ["F6", "Ctrl+Shift+F6"],
      inPalette: false,
      run: () => stepRegion(1),
    },
    {
      id: "panels.previous",
      title: "Go to the part before",
      section: "Panels",
      shortcut: "Shift+F6",
      inPalette: false,
      run: () => stepRegion(-1),
    },
  ];
}

function places(): Command[] {
  return [
    {
      id: "go.new",
      title: "New conversation",
      section: "Go to",
      shortcut: "Mod+Shift+O",
      icon: SquarePen,
      run: () => {
        view().openConversation();
        afterDrawing(() => focusRegion("main"));
      },
    },
    {
      id: "go.chat",
      title: "Chat",
      section: "Go to",
      run: () => {
        view().openView("chat");
        afterDrawing(() => focusRegion("main"));
      },
    },
    {
      id: "go.terminals",
      title: "Terminals",
      section: "Go to",
      run: () => {
        if (view().narrow) view().openView("terminals");
        else if (view().panel === "closed") view().setPanel("open");
        afterDrawing(() => focusRegion("terminals"));
      },
    },
    {
      id: "go.agents",
      title: "Agents",
      section: "Go to",
      icon: Bot,
      run: () => {
        view().openAgent(view().agentId);
        afterDrawing(() => focusRegion("agents"));
      },
    },
    {
      id: "go.usage",
      title: "Usage",
      section: "Go to",
      icon: ChartColumn,
      run: () => view().openView("usage"),
    },
    { id: "page.out", title: "Sign out", section: "Page", icon: LogOut, run: () => void signOut() },
  ];
}

function themes(): Command[] {
  return (["system", ...THEME_NAMES] as const).map((theme) => ({
    id: `theme.${theme}`,
    title: `Theme: ${THEME_LABELS[theme]}`,
    section: "Theme",
    icon: SunMoon,
    keywords: "colours colors dark light",
    run: () => changeSettings({ theme }),
  }));
}
