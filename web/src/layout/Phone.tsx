// The narrow page: one view at a time, and a bar at the bottom to go between them. It must not know what is in them.

import { Bot, Ellipsis, List, MessageSquare, Search, SquarePen, SquareTerminal } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import { MiddleView } from "./Desk.tsx";
import { AgentsPanel, ConversationList, Stand, TerminalPanel } from "./features.tsx";
import { More } from "./More.tsx";
import styles from "./Phone.module.css";
import { regionId } from "./regions.ts";
import type { Place } from "./route.ts";
import { ConnectionState } from "./StatusBar.tsx";
import { useView } from "./view.ts";

const TITLES: Readonly<Record<Place, string>> = {
  chat: "Chat",
  conversations: "Conversations",
  terminals: "Terminals",
  agents: "Agents",
  more: "More",
  usage: "Usage",
  tokens: "Tokens",
};

export function Phone() {
  return (
    <>
      <TopBar />
      <View />
      <BottomBar />
    </>
  );
}

function TopBar() {
  const { place, openView, openConversation, setOverlay } = useView();
  const chatting = place === "chat" || place === "conversations";
  return (
    <header className={styles.top}>
      {chatting && (
        <IconButton
          label={place === "chat" ? "Show conversations" : "Back to the chat"}
          icon={place === "chat" ? List : MessageSquare}
          onClick={() => openView(place === "chat" ? "conversations" : "chat")}
        />
      )}
      <h1 className={styles.title}>{TITLES[place]}</h1>
      <span className={styles.connection}>
        <ConnectionState short />
      </span>
      {chatting && (
        <IconButton label="New conversation" icon={SquarePen} onClick={() => openConversation()} />
      )}
      <IconButton label="Search or run a command" icon={Search} onClick={() => setOverlay("palette")} />
    </header>
  );
}

function View() {
  const place = useView((view) => view.place);
  if (place === "terminals") {
    return (
      <Main region="terminals" place={place}>
        <TerminalPanel />
      </Main>
    );
  }
  if (place === "agents") {
    return (
      <Main region="agents" place={place}>
        <AgentsPanel />
      </Main>
    );
  }
  if (place === "conversations") {
    return (
      <Main region="conversations" place={place}>
        <ConversationList />
      </Main>
    );
  }
  return (
    <Main region="main" place={place}>
      {place === "more" ? <More /> : <MiddleView />}
    </Main>
  );
}

function Main(props: {
  region: "main" | "terminals" | "agents" | "conversations";
  place: Place;
  children: ReactNode;
}) {
  const { region, place, children } = props;
  return (
    <main id={regionId(region)} tabIndex={-1} className={styles.main} aria-label={TITLES[place]}>
      <Stand name="This view" of={place}>
        {children}
      </Stand>
    </main>
  );
}

const BAR = [
  { place: "chat", label: "Chat", icon: MessageSquare, also: ["conversations"] },
  { place: "terminals", label: "Terminals", icon: SquareTerminal, also: [] },
  { place: "agents", label: "Agents", icon: Bot, also: [] },
  { place: "more", label: "More", icon: Ellipsis, also: ["usage", "tokens"] },
] as const;

function BottomBar() {
  const { place, openView } = useView();
  const running = useWorkspace((state) => state.queue?.running ?? 0);
  return (
    <nav className={styles.bottom} aria-label="Views">
      {BAR.map(({ place: to, label, icon: Icon, also }) => {
        const here = place === to || also.some((each) => each === place);
        return (
          <button
            key={to}
            type="button"
            className={styles.tab}
            aria-current={here ? "page" : undefined}
            onClick={() => openView(to)}
          >
            <span className={styles.icon}>
              <Icon size={18} aria-hidden />
              {to === "agents" && running > 0 && (
                <span className={styles.count}>
                  {running}
                  <span className="visually-hidden"> running</span>
                </span>
              )}
            </span>
            {label}
          </button>
        );
      })}
    </nav>
  );
}
