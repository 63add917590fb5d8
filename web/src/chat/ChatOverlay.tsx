// The chat over whatever is shown, from anywhere: the same conversation as in the middle of the page.
// It must not know what lies under it.

import { useView } from "../layout/view.ts";
import { Dialog } from "../ui/index.ts";
import styles from "./ChatOverlay.module.css";
import { ChatView } from "./ChatView.tsx";

export function ChatOverlay() {
  const open = useView((view) => view.overlay === "chat");
  const setOverlay = useView((view) => view.setOverlay);
  const conversationId = useView((view) => view.conversationId);
  return (
    <Dialog open={open} onOpenChange={(on) => setOverlay(on ? "chat" : undefined)} title="Chat" width="large">
      <div className={styles.overlay}>
        {open && <ChatView conversationId={conversationId} onMade={stay} />}
      </div>
    </Dialog>
  );
}

/** What lies under it stays. */
function stay(conversationId: string): void {
  useView.setState({ conversationId });
}
