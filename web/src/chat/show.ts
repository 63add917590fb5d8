// Shows another branch, for everybody where that is allowed.
// It must not know which branches there are.

import { useCallback } from "react";
import { failureOf } from "../api/failure.ts";
import { toast } from "../ui/index.ts";
import { useChat } from "./context.ts";

export function useShow(): (messageId: string) => void {
  const { session, canWrite } = useChat();
  return useCallback(
    (messageId) => {
      session.show(messageId, canWrite).catch((error: unknown) => {
        const text = `It is shown here only: ${failureOf(error).message}`;
        toast({ title: "The version was not kept", text, tone: "bad" });
      });
    },
    [session, canWrite],
  );
}
