// The workspace's tokens: which there are, making one, revoking one. It must not know what they are used for.

import { KeyRound, Lock, Plus } from "lucide-react";
import { useState } from "react";
import { failureOf } from "../api/failure.ts";
import { Role, type Token } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { whoWords } from "../layout/people.ts";
import { Button, Empty, FailureNote, Spinner, Switch, toast, useConfirm } from "../ui/index.ts";
import { useClients, useRole, useWorkspace } from "../workspace/hooks.tsx";
import { CreateTokenDialog } from "./CreateTokenDialog.tsx";
import styles from "./TokensView.module.css";
import { TokenTable } from "./TokenTable.tsx";
import { useTokens } from "./useTokens.ts";
import { standingOf } from "./words.ts";

export function TokensView() {
  const role = useRole();
  if (role === Role.UNSPECIFIED) return <Spinner label="Loading…" />;
  if (role >= Role.ADMIN) return <AdminView />;
  return (
    <Empty
      icon={Lock}
      title="Tokens are for admins"
      text="Your token does not have the role Admin. Ask an admin of this workspace for another token, or to make or revoke one."
    />
  );
}

function AdminView() {
  const { tokens, problem, more, loading, again, loadMore, put } = useTokens();
  const [creating, setCreating] = useState(false);
  const [all, setAll] = useState(false);
  const revoke = useRevoke(put);
  const now = Date.now();
  const shown = all ? tokens : tokens.filter((token) => standingOf(token, now) === "works");
  return (
    <div className={styles.view}>
      <div className={styles.column}>
        <header className={styles.head}>
          <h2 className={styles.title}>Tokens</h2>
          <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
            New token
          </Button>
        </header>
        <p className={styles.words}>
          A token is a key to this workspace: for the command line, for scripts and CI, and for other people.
          Give each its own, with no more than it needs; a revoked one is useless at once.
        </p>
        <Switch label="Show expired and revoked ones too" checked={all} onChange={setAll} />
        {problem && <FailureNote failure={problem} retry={again} />}
        {shown.length > 0 && <TokenTable tokens={shown} onRevoke={revoke} />}
        {shown.length === 0 && !loading && !problem && <Empty icon={KeyRound} title="No tokens" />}
        {loading && <Spinner label="Loading the tokens…" />}
        {more && !loading && <Button onClick={loadMore}>Load older ones</Button>}
      </div>
      <CreateTokenDialog open={creating} onOpenChange={setCreating} onCreated={put} />
    </div>
  );
}

function useRevoke(put: (token: Token) => void): (token: Token) => Promise<void> {
  const { workspace } = useClients();
  const confirm = useConfirm();
  const own = useWorkspace((state) => state.me?.token?.id);
  return async (token) => {
    const itself = token.id === own;
    const yes = await confirm({
      title: `Revoke “${whoWords(token.name)}”?`,
      text: [
        itself
          ? "This is the token that you are signed in with: you will be signed out at once."
          : "It is useless at once, and what is connected with it ends. This cannot be undone.",
        token.role === Role.OPERATOR ? "The command line on the server's machine signs in with it, too." : "",
      ].join(" "),
      confirm: "Revoke",
      danger: true,
    });
    if (!yes) return;
    try {
      const answer = await workspace.revokeToken({ tokenId: token.id });
      if (answer.token) put(answer.token);
      toast({ title: `“${whoWords(token.name)}” is revoked`, tone: "good" });
    } catch (error) {
      toast({
        title: `“${whoWords(token.name)}” could not be revoked`,
        text: failureOf(error).message,
        tone: "bad",
      });
    }
  };
}
