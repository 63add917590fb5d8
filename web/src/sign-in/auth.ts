// Who is signed in here: by a link's code or by a token, until it is refused or the person leaves. It must not know
// what is shown, neither to who is signed in nor to who is not.

import { create } from "zustand";
import { makeClients } from "../api/clients.ts";
import { type Failure, failure, failureOf } from "../api/failure.ts";
import { takeCode } from "./code.ts";
import {
  type Credential,
  forgetCredential,
  forgetTraces,
  isCredentialChange,
  isToken,
  keepCredential,
  keptCredential,
} from "./credential.ts";
import { NOT_A_TOKEN } from "./words.ts";

export type Auth =
  /** A code or a token is with the server. */
  | { state: "checking"; by: "link" | "token" }
  /** Nobody is; `why` says what ended it or what was wrong, `retry` does it once more. */
  | { state: "out"; why?: Failure; by?: "link" | "token" | "session"; retry?: () => void }
  | { state: "in"; credential: Credential; remembered: boolean };

export const useAuth = create<Auth>(() => ({ state: "out" }));

/** Tabs tell each other here whose sign-out it is: one that has the token of its own storage knows it from nowhere else. */
const leaving = typeof BroadcastChannel === "function" ? new BroadcastChannel("mosaic sign-out") : undefined;

/** Begins, once for a page: with the link's code if it came by one, else with what was kept. */
export function startAuth(): void {
  const code = takeCode();
  const kept = keptCredential();
  if (code !== undefined) void exchange(code);
  else if (kept) set({ state: "in", ...kept });
  // A link may be pasted into a tab that is open.
  window.addEventListener("hashchange", () => {
    const next = takeCode();
    if (next !== undefined) void exchange(next);
  });
  window.addEventListener("storage", (event) => {
    if (isCredentialChange(event)) follow();
  });
  leaving?.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    const auth = useAuth.getState();
    if (auth.state === "in" && auth.credential.tokenId === data) leave();
  });
}

/** Signs in with a token that a person has. */
export async function signInWithToken(text: string, remember: boolean): Promise<void> {
  const token = text.trim();
  const retry = () => void signInWithToken(token, remember);
  if (!isToken(token)) {
    set({ state: "out", by: "token", why: failure(NOT_A_TOKEN, "invalid_argument", "That is not a token.") });
    return;
  }
  set({ state: "checking", by: "token" });
  try {
    const me = await makeClients(token).workspace.whoAmI({});
    enter({ token, tokenId: me.token?.id }, remember);
  } catch (error) {
    const why = failureOf(error);
    set({ state: "out", by: "token", why, retry: why.retryable ? retry : undefined });
  }
}

/** Keeps the token on this computer, or for this tab only. */
export function setRemembered(remembered: boolean): void {
  const auth = useAuth.getState();
  if (auth.state !== "in") return;
  forgetCredential(auth.remembered);
  keepCredential(auth.credential, remembered);
  set({ ...auth, remembered });
}

/** The server refuses the token: it has expired or was revoked. */
export function refused(token: string, why: Failure): void {
  const auth = useAuth.getState();
  if (auth.state !== "in" || auth.credential.token !== token) return;
  forgetCredential(auth.remembered);
  set({ state: "out", by: "session", why });
}

/** Leaves, in all tabs that have this token. What a link made is ended on the server too, if it may do so. */
export async function signOut(): Promise<void> {
  const auth = useAuth.getState();
  if (auth.state !== "in") return;
  const { token, tokenId, session } = auth.credential;
  leave();
  if (tokenId === undefined) return;
  leaving?.postMessage(tokenId);
  if (!session) return;
  try {
    await makeClients(token).workspace.revokeToken({ tokenId });
  } catch {
    // Only admins may revoke, and the server may be away: the session then ends by its time.
  }
}

async function exchange(code: string): Promise<void> {
  set({ state: "checking", by: "link" });
  try {
    const { secret, token } = await makeClients(undefined).workspace.exchangeSignInCode({ code });
    // Whoever was remembered on this computer stays so: only the token is another one.
    enter({ token: secret, tokenId: token?.id, session: true }, keptCredential()?.remembered ?? false);
  } catch (error) {
    const why = failureOf(error);
    const again = why.retryable ? () => void exchange(code) : undefined;
    set({ state: "out", by: "link", why, retry: again });
  }
}

function enter(credential: Credential, remembered: boolean): void {
  keepCredential(credential, remembered);
  set({ state: "in", credential, remembered });
}

/** Another tab signed in or out on this computer; a tab that has its own token is not concerned. */
function follow(): void {
  const auth = useAuth.getState();
  const kept = keptCredential();
  if (auth.state === "in" && auth.remembered && !kept) leave();
  else if (auth.state === "out" && kept) set({ state: "in", ...kept });
}

/** Signed out by the person, here or in another tab: nothing of theirs stays. */
function leave(): void {
  const auth = useAuth.getState();
  forgetCredential(auth.state === "in" && auth.remembered);
  set({ state: "out" });
  forgetTraces();
  // Views write down what they hold when they go, which they have done by then.
  setTimeout(forgetTraces, 0);
}

function set(auth: Auth): void {
  useAuth.setState(auth, true);
}
