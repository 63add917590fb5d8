// Everything that goes from this page into one terminal: keys, pastes, reports, and xterm's answers to queries.
//
// It must not know the stream or the size; it says when a person typed.

import type { Terminal as Xterm } from "@xterm/xterm";
import type { StoreApi } from "zustand/vanilla";
import type { Failure } from "../api/failure.ts";
import type { Hub } from "../hub/hub.ts";
import { withControl } from "./keys.ts";
import { Feeder, pasteQuestion, pasteText } from "./paste.ts";
import { Replies } from "./replies.ts";
import type { Desk, SessionState } from "./session-state.ts";

const encoder = new TextEncoder();

/** Focus and the mouse: reports of a view's own, worth nothing while somebody else types. */
const REPORTS = ["\x1b[I", "\x1b[O", "\x1b[M", "\x1b[<"];

export interface TypistHost {
  /** True if this view typed last. */
  holds(): boolean;
  /** A person types here. */
  take(): void;
  /** True if what xterm reads now was printed before. */
  readsHistory(): boolean;
  desk(): Desk | undefined;
}

export class Typist {
  private readonly replies: Replies;
  private readonly feeder: Feeder;
  private readonly ends: (() => void)[];
  /** Why something was given up the last time. */
  private refused: Failure | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly terminalId: string,
    private readonly term: Xterm,
    private readonly state: StoreApi<SessionState>,
    private readonly host: TypistHost,
  ) {
    this.replies = new Replies(term.parser);
    this.feeder = new Feeder({
      type: (data) => hub.type(terminalId, data),
      pendingBytes: () => hub.typing(terminalId).get().pendingBytes,
    });
    const disposables = [
      this.replies,
      term.onData((data) => this.data(data)),
      // The mouse again, in a coding that is no text.
      term.onBinary((data) => host.holds() && this.send(Uint8Array.from(data, (char) => char.charCodeAt(0)))),
      term.onKey(() => this.inVain()),
    ];
    this.ends = disposables.map((disposable) => () => disposable.dispose());
    this.ends.push(hub.typing(terminalId).subscribe(() => this.tell()));
  }

  dispose(): void {
    for (const end of this.ends) {
      end();
    }
  }

  /** Text that a person pastes or drops. */
  async paste(text: string): Promise<void> {
    if (text.length === 0 || this.inVain()) {
      return;
    }
    const question = pasteQuestion(text, this.term.modes.bracketedPasteMode);
    if (question !== undefined && !(await this.host.desk()?.askPaste(question))) {
      return;
    }
    this.host.take();
    const brackets = this.term.modes.bracketedPasteMode;
    const data = encoder.encode(pasteText(text, brackets));
    if (!this.feeder.paste(data, brackets ? encoder.encode("\x1b[201~") : undefined)) {
      this.host.desk()?.pasteTooLong();
    }
    this.term.scrollToBottom();
    this.tell();
  }

  /** The person has read that something was not taken. */
  dismiss(): void {
    this.state.setState({ notTaken: undefined });
  }

  cancelPaste(): void {
    this.feeder.cancel();
    this.tell();
  }

  private data(data: string): void {
    if (this.replies.now) {
      if (!this.host.readsHistory() && this.host.holds()) {
        this.send(encoder.encode(data));
      }
      return;
    }
    if (REPORTS.some((report) => data.startsWith(report))) {
      if (this.host.holds()) {
        this.send(encoder.encode(data));
      }
      return;
    }
    this.host.take();
    const { control } = this.state.getState();
    if (control) {
      this.state.setState({ control: false });
    }
    this.send(encoder.encode(control ? withControl(data) : data));
  }

  private send(data: Uint8Array): void {
    const typingFull = !this.feeder.type(data);
    if (typingFull !== this.state.getState().typingFull) {
      this.state.setState({ typingFull });
    }
  }

  /** Says why nothing happens to whoever types where nobody can. */
  private inVain(): boolean {
    const { readOnly, typedInVain } = this.state.getState();
    if (readOnly !== undefined && !typedInVain) {
      this.state.setState({ typedInVain: true });
    }
    return readOnly !== undefined;
  }

  /** With a piece of it missing, the rest of a paste would be another text. */
  private giveUp(): void {
    const { problem, pendingBytes } = this.hub.typing(this.terminalId).get();
    if (problem !== undefined && pendingBytes === 0 && problem !== this.refused) {
      this.refused = problem;
      // It stays until it is read: the next key may be accepted a moment later.
      this.state.setState({ notTaken: problem });
      this.feeder.cancel();
    }
  }

  private tell(): void {
    this.giveUp();
    this.feeder.feed();
    const { pendingBytes: waiting, problem } = this.hub.typing(this.terminalId).get();
    const before = this.state.getState();
    const paste = this.feeder.progress;
    const pendingBytes = problem === undefined ? 0 : waiting;
    const typingFull = before.typingFull && waiting > 0;
    const same =
      before.typingProblem === problem &&
      before.pendingBytes === pendingBytes &&
      before.paste.left === paste.left &&
      before.typingFull === typingFull;
    if (!same) {
      this.state.setState({ typingProblem: problem, pendingBytes, paste, typingFull });
    }
  }
}
