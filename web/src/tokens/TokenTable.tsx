// The tokens in rows: what each may do, how long, and when it was used last. It must not know how they are revoked.

import { Ban } from "lucide-react";
import type { Token } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { whoWords } from "../layout/people.ts";
import { roleName } from "../layout/roles.ts";
import { Badge, IconButton, Time } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./TokenTable.module.css";
import { standingOf } from "./words.ts";

export function TokenTable({ tokens, onRevoke }: { tokens: readonly Token[]; onRevoke(token: Token): void }) {
  const own = useWorkspace((state) => state.me?.token?.id);
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Role</th>
          <th scope="col">Expires</th>
          <th scope="col">Last used</th>
          <th scope="col">
            <span className="visually-hidden">Revoke</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <Row key={token.id} token={token} own={token.id === own} onRevoke={onRevoke} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ token, own, onRevoke }: { token: Token; own: boolean; onRevoke(token: Token): void }) {
  const standing = standingOf(token, Date.now());
  return (
    <tr data-standing={standing}>
      <th scope="row">
        <span className={styles.name}>{whoWords(token.name)}</span>
        {own && <Badge tone="accent">This session</Badge>}
        {standing === "revoked" && <Badge tone="bad">Revoked</Badge>}
        {standing === "expired" && <Badge tone="warn">Expired</Badge>}
        {token.createTime && (
          <span className={styles.made}>
            made <Time at={token.createTime} relative />
          </span>
        )}
      </th>
      <td data-label="Role">
        <span className={styles.badges}>
          {roleName(token.role)}
          {token.readOnly && <Badge>Read-only</Badge>}
          {token.terminalId && <OneTerminal id={token.terminalId} />}
        </span>
      </td>
      <td data-label="Expires">{token.expireTime ? <Time at={token.expireTime} relative /> : "Never"}</td>
      <td data-label="Last used">{token.lastUseTime ? <Time at={token.lastUseTime} relative /> : "Never"}</td>
      <td className={styles.actions}>
        {standing === "works" && (
          <IconButton
            label={`Revoke ${whoWords(token.name)}`}
            icon={Ban}
            size="small"
            onClick={() => onRevoke(token)}
          />
        )}
      </td>
    </tr>
  );
}

function OneTerminal({ id }: { id: string }) {
  const name = useWorkspace((state) => state.terminals.get(id)?.name);
  return <Badge>Only terminal {name ?? id.slice(0, 8)}</Badge>;
}
