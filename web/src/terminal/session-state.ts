// What views see of a session, and what a session asks of the view that shows it: types, no code.

import type { Failure } from "../api/failure.ts";
import type { Terminal } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { Hub } from "../hub/hub.ts";
import type { Claims } from "./claims.ts";
import type { Earlier, ReadRange } from "./older.ts";
import type { LinkHover } from "./screen.ts";
import type { Size } from "./size.ts";

/** What surrounds all sessions of a page. */
export interface Surroundings {
  hub: Hub;
  claims: Claims;
  read(terminalId: string): ReadRange;
  mac: boolean;
}

/** Why nobody can type here. */
export type ReadOnly = "viewer" | "ended" | "asked";

export interface SessionState {
  /** All that was printed before is on the screen, and the size is right. */
  ready: boolean;
  failure?: Failure;
  /** The terminal when the stream began, and what the stream said since. */
  terminal?: Terminal;
  /** The server has it no more; what was read of it is still here. */
  deleted: boolean;
  /** The size that the terminal has, when it is another's and not that of this place. */
  othersSize?: Size;
  readOnly?: ReadOnly;
  /** Somebody typed where nobody can. */
  typedInVain: boolean;
  /** Why what is typed waits. */
  typingProblem?: Failure;
  /** Why something that was typed was given up; until it is dismissed. */
  notTaken?: Failure;
  /** Not even the queue took what was typed. */
  typingFull: boolean;
  /** What waits while there is a problem. */
  pendingBytes: number;
  paste: { left: number; of: number };
  link?: LinkHover;
  earlier: Earlier | "loading";
  /** The oldest line that is there is in sight. */
  atTop: boolean;
  /** Counts rings; the view flashes. */
  bell: number;
  /** It rang, or printed, while nobody looked. */
  unseenBell: boolean;
  unseenOutput: boolean;
  /** Readers of the terminal when it was last asked, this browser's one among them. */
  viewers: number;
  /** The key row's Ctrl is held down for the next key. */
  control: boolean;
}

export const INITIAL: SessionState = {
  ready: false,
  deleted: false,
  typedInVain: false,
  typingFull: false,
  pendingBytes: 0,
  paste: { left: 0, of: 0 },
  earlier: "none",
  atTop: false,
  bell: 0,
  unseenBell: false,
  unseenOutput: false,
  viewers: 0,
  control: false,
};

/** What a view does for its session: everything that needs words with a person. */
export interface Desk {
  askPaste(question: { title: string; text: string }): Promise<boolean>;
  pasteTooLong(): void;
  askClipboard(text: string, allow: () => void): void;
  copied(text: string): void;
}
