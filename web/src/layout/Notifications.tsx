// Tells when an agent ends or needs input and nobody looks at it: in the page, and by the browser where it is allowed.
// It must not know how agents work.

import { useEffect } from "react";
import { noticeOf } from "../agents/notice.ts";
import { toast } from "../ui/index.ts";
import { useEvents, useWorkspace } from "../workspace/hooks.tsx";
import { howToTell, type Looking } from "./notify.ts";
import { useSettings } from "./settings.ts";
import { useView } from "./view.ts";

type Notice = NonNullable<ReturnType<typeof noticeOf>>;

/** Held by each tab that is in front, shared. */
const IN_FRONT = "mosaic.in-front";
/** So long no other tab may tell of the same thing. */
const TOLD_MS = 10_000;

export function Notifications() {
  useEffect(holdWhileVisible, []);
  const agents = useWorkspace((state) => state.agents);
  useEvents((event) => {
    const notice = noticeOf(event);
    if (notice) tell(event.sequence, notice, agents.get(notice.agentId)?.terminalId);
  });
  return null;
}

function tell(sequence: bigint, notice: Notice, terminalId: string | undefined): void {
  const about = { agentId: notice.agentId, terminalId };
  const how = howToTell(about, looking(), useSettings.getState());
  if (how === "page") inPage(notice);
  else if (how === "browser") void byBrowser(sequence, notice);
}

function looking(): Looking {
  const { agentId, rightPanel, panel, activeTerminal, narrow, place } = useView.getState();
  const agents = narrow ? place === "agents" : rightPanel === "open";
  const terminals = narrow ? place === "terminals" : panel !== "closed";
  return {
    visible: document.visibilityState === "visible",
    agentId: agents ? agentId : undefined,
    terminalId: terminals ? activeTerminal : undefined,
  };
}

function inPage(notice: Notice): void {
  toast({
    title: notice.title,
    text: notice.text,
    tone: notice.tone === "good" ? "good" : notice.tone === "bad" ? "bad" : "info",
    action: { label: "Show", onSelect: () => useView.getState().openAgent(notice.agentId) },
  });
}

/** One tab tells, and none while one is in front. */
async function byBrowser(sequence: bigint, notice: Notice): Promise<void> {
  if (!("Notification" in window) || Notification.permission !== "granted") return inPage(notice);
  const { locks } = navigator;
  if (!locks) return show(sequence, notice);
  const { held } = await locks.query();
  if (held?.some(({ name }) => name === IN_FRONT)) return;
  await locks.request(`mosaic.told ${sequence}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    show(sequence, notice);
    await new Promise((resolve) => setTimeout(resolve, TOLD_MS));
  });
}

function show(sequence: bigint, notice: Notice): void {
  // The browser, too, shows one of a tag once.
  const shown = new Notification(notice.title, { body: notice.text, tag: `mosaic ${sequence}` });
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
