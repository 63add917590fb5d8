// Who looks at a terminal now, and a way to end one's stream. It must not know tabs.

import { useCallback, useEffect, useState } from "react";
import type { Failure } from "../api/failure.ts";
import { failureOf } from "../api/failure.ts";
import type { Viewer } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { whoWords } from "../layout/people.ts";
import { Button, Dialog, FailureNote, Spinner, Time } from "../ui/index.ts";
import { useClients, useRole } from "../workspace/hooks.tsx";
import styles from "./lists.module.css";

const ASK_EVERY_MS = 3000;

export function ViewersDialog({
  terminalId,
  name,
  onClose,
}: {
  terminalId: string;
  name: string;
  onClose: () => void;
}) {
  const { terminals } = useClients();
  const mayWrite = useRole() !== Role.VIEWER;
  const [viewers, setViewers] = useState<readonly Viewer[]>();
  const [failure, setFailure] = useState<Failure>();
  const ask = useCallback(async () => {
    try {
      setViewers((await terminals.listViewers({ terminalId })).viewers);
      setFailure(undefined);
    } catch (error) {
      setFailure(failureOf(error));
    }
  }, [terminals, terminalId]);
  useEffect(() => {
    void ask();
    const timer = setInterval(() => void ask(), ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [ask]);
  const detach = async (viewerId: string) => {
    try {
      await terminals.detachViewer({ terminalId, viewerId });
      await ask();
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={`Viewers of ${name}`}
      description="Everyone whose stream shows this terminal now. All pages of one browser watch by one stream, and type beside it. Who is detached may come back."
    >
      {failure && <FailureNote failure={failure} retry={ask} />}
      {viewers === undefined && failure === undefined && <Spinner />}
      <ul className={styles.viewers}>
        {viewers?.map((viewer) => (
          <li key={viewer.id} className={styles.viewer}>
            <span className={styles.who}>{whoWords(viewer.principal) || "unknown"}</span>
            <span className={styles.detail}>
              {viewer.readOnly ? "watches" : "is attached"}
              {viewer.cols > 0 && ` · ${viewer.cols} × ${viewer.rows}`}
              {viewer.startTime && (
                <>
                  {" · since "}
                  <Time at={viewer.startTime} relative />
                </>
              )}
            </span>
            {mayWrite && (
              <Button size="small" variant="ghost" onClick={() => detach(viewer.id)}>
                Detach
              </Button>
            )}
          </li>
        ))}
      </ul>
      {viewers?.length === 0 && <p className={styles.detail}>Nobody looks at it now.</p>}
    </Dialog>
  );
}
