// Keeps what the page shows in the address and in the browser's storage, and reads it from there. It must not know
// what the views are made of.

import { formatHash, parseHash } from "./route.ts";
import { replacing, useView, type View } from "./view.ts";
import { kept, restored } from "./viewState.ts";

const KEY = "mosaic.view";
/** Also a phone that lies on its side: it is wide, but too low for panels. */
export const NARROW = "(max-width: 767px), (max-height: 479px) and (pointer: coarse)";
/** Three columns have room from here on. */
const ROOMY = "(min-width: 1000px)";
const WRITE_AFTER_MS = 250;

/** Begins; the answer ends it. For as long as somebody is signed in. */
export function syncView(): () => void {
  const narrow = window.matchMedia(NARROW);
  const roomy = window.matchMedia(ROOMY);
  const own = restored(read(sessionStorage));
  // A new tab begins as the last one was left, but with a new conversation and no agent.
  const others = { ...restored(read(localStorage)), conversationId: undefined, agentId: undefined };
  const before = read(sessionStorage) === null ? others : own;
  // Where three columns are a squeeze, the agents wait until somebody asks for them.
  if (before.rightPanel === undefined && !roomy.matches) before.rightPanel = "closed";
  const route = parseHash(location.hash) ?? { place: "chat", conversationId: before.conversationId };
  useView.setState({ ...before, ...route, narrow: narrow.matches, roomy: roomy.matches });
  history.replaceState(history.state, "", formatHash(useView.getState()));

  const toWidth = () => useView.setState({ narrow: narrow.matches, roomy: roomy.matches });
  // Another conversation for "chat" comes from the address; other places keep the one that was shown.
  const fromAddress = () => {
    const next = parseHash(location.hash);
    if (next) useView.setState(next.place === "chat" ? { conversationId: undefined, ...next } : next);
  };
  const writer = laterWriter();
  const unsubscribe = useView.subscribe((view) => {
    toAddress(view);
    writer.later();
  });
  for (const each of [narrow, roomy]) each.addEventListener("change", toWidth);
  window.addEventListener("popstate", fromAddress);
  window.addEventListener("pagehide", writer.now);
  return () => {
    unsubscribe();
    writer.stop();
    for (const each of [narrow, roomy]) each.removeEventListener("change", toWidth);
    window.removeEventListener("popstate", fromAddress);
    window.removeEventListener("pagehide", writer.now);
  };
}

function toAddress(view: View): void {
  const hash = formatHash(view);
  if (hash === location.hash) return;
  if (replacing.now) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
}

/** Writes what is shown a moment after the last change. */
function laterWriter() {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const now = () => {
    if (timer === undefined) return;
    stop();
    const text = kept(useView.getState());
    for (const storage of [sessionStorage, localStorage]) {
      try {
        storage.setItem(KEY, text);
      } catch {
        // Full or forbidden: the page works, it only forgets.
      }
    }
  };
  const later = () => {
    timer ??= setTimeout(now, WRITE_AFTER_MS);
  };
  return { later, now, stop };
}

function read(storage: Storage): string | null {
  try {
    return storage.getItem(KEY);
  } catch {
    return null;
  }
}
