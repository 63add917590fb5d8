// The page for who is not signed in: why, and the ways in. It must not know what comes after.

import { CircleAlert, CloudOff, KeyRound, RotateCw } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Button, Field, Input, Spinner, Switch } from "../ui/index.ts";
import { type Auth, signInWithToken } from "./auth.ts";
import { Logo } from "./Logo.tsx";
import styles from "./SignIn.module.css";
import { NOT_A_TOKEN, storyOf } from "./words.ts";

export function SignIn({ auth }: { auth: Exclude<Auth, { state: "in" }> }) {
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Logo size={36} />
        <h1 className={styles.title}>Sign in to Mosaic</h1>
        {auth.state === "checking" && auth.by === "link" ? (
          <p className={styles.checking}>
            <Spinner label="Signing in…" />
          </p>
        ) : (
          <>
            <Why auth={auth} />
            <TokenForm busy={auth.state === "checking"} />
            <Ways />
          </>
        )}
      </div>
    </main>
  );
}

function Why({ auth }: { auth: Exclude<Auth, { state: "in" }> }) {
  const story = auth.state === "out" ? storyOf(auth.why, auth.by) : undefined;
  if (auth.state !== "out" || !story) return <div role="alert" />;
  const Icon = auth.why?.reason === "UNREACHABLE" ? CloudOff : CircleAlert;
  return (
    <div role="alert" className={styles.why}>
      <Icon size={16} aria-hidden className={styles.whyIcon} />
      <div className={styles.whyWords}>
        <p className={styles.whyTitle}>{story.title}</p>
        <p>{story.text}</p>
        {auth.why && auth.why.reason !== NOT_A_TOKEN && (
          <p className={styles.reason}>
            <code>{auth.why.reason}</code>
            {auth.why.requestId && (
              <>
                {" "}
                · request <code>{auth.why.requestId}</code>
              </>
            )}
          </p>
        )}
      </div>
      {auth.retry && (
        <Button size="small" icon={RotateCw} onClick={auth.retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

function TokenForm({ busy }: { busy: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const [remember, setRemember] = useState(false);
  useEffect(() => input.current?.focus(), []);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = input.current?.value ?? "";
    if (busy || text.trim() === "") return;
    // The page does not keep what was entered.
    if (input.current) input.current.value = "";
    void signInWithToken(text, remember);
  };

  return (
    <form className={styles.form} onSubmit={submit}>
      <Field label="Token">
        <Input
          ref={input}
          type="password"
          name="token"
          placeholder="mosaic_…"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          required
          disabled={busy}
          className={styles.token}
        />
      </Field>
      <Switch
        label="Remember on this computer"
        hint={remember ? "In all tabs, until you sign out." : "Off: only until this tab is closed."}
        checked={remember}
        onChange={setRemember}
      />
      <Button type="submit" variant="primary" icon={KeyRound} busy={busy} className={styles.submit}>
        Sign in
      </Button>
    </form>
  );
}

function Ways() {
  return (
    <div className={styles.ways}>
      <h2 className={styles.waysTitle}>No token at hand?</h2>
      <p>
        On the server's machine, <code>mosaic web</code> prints a link that signs you in. It works once and
        for ten minutes.
      </p>
    </div>
  );
}
