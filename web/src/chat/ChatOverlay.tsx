// The chat over whatever is shown, from anywhere: the same conversation as in the middle of the page.
// It must not know what lies under it.

import { useState } from "react";
import { useCommand } from "../layout/commands.ts";
import { useView } from "../layout/view.ts";
import { Dialog } from "../ui/index.ts";
import styles from "./ChatOverlay.module.css";
import { ChatView } from "./ChatView.tsx";

export function ChatOverlay() {
  const [open, setOpen] = useState(false);
  const conversationId = useView((view) => view.conversationId);
  useCommand({
    id: "chat.overlay",
    title: "Chat over the page",
    section: "Chat",
    shortcut: "Mod+Shift+J",
    run: () => setOpen((now) => !now),
  });
  return (
    <Dialog open={open} onOpenChange={setOpen} title="Chat" width="large">
      <div className={styles.overlay}>{open && <ChatView conversationId={conversationId} />}</div>
    </Dialog>
  );
}
