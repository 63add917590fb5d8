// Tells when an agent ends or needs input and nobody looks at it: in the page, and by the browser where it is allowed.
// It must not know how agents work.

import { useEffect, useRef, useState } from "react";
import { hasCardInSight } from "../agents/in-sight.ts";
import { noticeOf, OwnEnds } from "../agents/notice.ts";
import { currentTabs } from "../terminal/tab-store.ts";
import { toast } from "../ui/index.ts";
import { useEvents, useWorkspace } from "../workspace/hooks.tsx";
import { howToTell, type Looking } from "./notify.ts";
import { useSettings } from "./settings.ts";
import { openTeller, type Teller } from "./tellOnce.ts";
import { useView } from "./view.ts";

type Notice = NonNullable<ReturnType<typeof noticeOf>>;

/** Held by each tab that is in front, shared. */
const IN_FRONT = "mosaic.in-front";

export function Notifications() {
  useEffect(holdWhileVisible, []);
  const teller = useRef<Teller>(undefined);
  useEffect(() => {
    const opened = openTeller();
    teller.current = opened;
    return () => opened.close();
  }, []);
  const [ends] = useState(() => new OwnEnds());
  const { agents, me } = useWorkspace(({ agents, me }) => ({ agents, me }));
  useEvents((event) => {
    const own = ends.take(event, me?.token?.id);
    const notice = noticeOf(event);
    if (own || !notice || !teller.current) return;
    const key = `${me?.workspace?.id} ${event.sequence}`;
    tell(teller.current, key, notice, agents.get(notice.agentId)?.terminalId);
  });
  return null;
}

/** What was spawned by a command may be over before its card is drawn: so long it may take. */
const DRAWN_MS = 500;

function tell(teller: Teller, key: string, notice: Notice, terminalId: string | undefined): void {
  const about = { jobId: notice.jobId, agentId: notice.agentId, terminalId };
  const how = () => howToTell(about, looking(), useSettings.getState());
  // Whoever sees it has been told, also in a window beside this one.
  const seen = () => teller.once(key, () => {});
  if (how() === "seen") {
    seen();
    return;
  }
  setTimeout(() => {
    const now = how();
    if (now === "seen") seen();
    else if (now === "page") teller.inFront(key, () => inPage(notice));
    else if (now === "browser") void byBrowser(teller, key, notice);
  }, DRAWN_MS);
}

function looking(): Looking {
  const { agentId, rightPanel, panel, narrow, place } = useView.getState();
  const agents = narrow ? place === "agents" : rightPanel === "open" && panel !== "full";
  const terminals = narrow ? place === "terminals" : panel !== "closed";
  return {
    visible: document.visibilityState === "visible",
    agentId: agents ? agentId : undefined,
    terminalIds: terminals ? shownTerminals() : [],
    hasCard: hasCardInSight,
  };
}

/** All panes of the tab that is shown. */
function shownTerminals(): readonly string[] {
  const { tabs, active } = currentTabs();
  return tabs[active]?.panes ?? [];
}

function inPage(notice: Notice): void {
  toast({
    title: notice.title,
    text: notice.text,
    tone: notice.tone === "good" ? "good" : notice.tone === "bad" ? "bad" : "info",
    action: { label: "Show", onSelect: () => useView.getState().openAgent(notice.agentId) },
  });
}

/** Not while a tab is in front: that one tells. */
async function byBrowser(teller: Teller, key: string, notice: Notice): Promise<void> {
  if (!("Notification" in window) || Notification.permission !== "granted") {
    return teller.inFront(key, () => inPage(notice));
  }
  const held = (await navigator.locks?.query())?.held;
  if (!held?.some(({ name }) => name === IN_FRONT)) teller.once(key, () => show(key, notice));
}

function show(key: string, notice: Notice): void {
  // The browser, too, shows one of a tag once.
  const shown = new Notification(notice.title, { body: notice.text, tag: `mosaic ${key}` });
  shown.onclick = () => {
    window.focus();
    useView.getState().openAgent(notice.agentId);
    shown.close();
  };
}

function holdWhileVisible(): () => void {
  const { locks } = navigator;
  if (!locks) return () => {};
  let release: (() => void) | undefined;
  const change = () => {
    release?.();
    release = undefined;
    if (document.visibilityState !== "visible") return;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    void locks.request(IN_FRONT, { mode: "shared" }, () => held);
  };
  change();
  document.addEventListener("visibilitychange", change);
  return () => {
    document.removeEventListener("visibilitychange", change);
    release?.();
  };
}
