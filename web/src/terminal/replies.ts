// Tells xterm's own answers to queries from what a person typed.
//
// xterm gives both out through onData. An answer comes out while a query is being read, and everything that can
// ask is known: so each query is noticed on its way in, and what comes out before xterm's turn ends is an answer.
// It must not know what becomes of them.

import type { IDisposable, IParser } from "@xterm/xterm";

/** All that xterm answers: device attributes, status and cursor, modes, window size, focus when it is switched on. */
const CSI = [
  { final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
  { prefix: ">", final: "q" },
  { final: "t" },
  { prefix: "?", final: "h" },
  { prefix: "?", final: "u" },
];

/** Settings (DECRQSS) and terminfo (XTGETTCAP). */
const DCS = [
  { intermediates: "$", final: "q" },
  { intermediates: "+", final: "q" },
];

/** Colours of the palette, of text, background and cursor; the clipboard. */
const OSC = [4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 52];

export class Replies implements IDisposable {
  private answering = false;
  private readonly hooks: IDisposable[];

  constructor(parser: IParser) {
    const seen = () => this.seen();
    this.hooks = [
      ...CSI.map((id) => parser.registerCsiHandler(id, seen)),
      ...DCS.map((id) => parser.registerDcsHandler(id, seen)),
      ...OSC.map((id) => parser.registerOscHandler(id, seen)),
      parser.registerEscHandler({ final: "Z" }, seen),
    ];
  }

  /** True if what comes out of onData now is an answer of xterm's. */
  get now(): boolean {
    return this.answering;
  }

  dispose(): void {
    for (const hook of this.hooks) {
      hook.dispose();
    }
  }

  /** No key, paste or composition can come before the microtask: they are turns of their own. */
  private seen(): boolean {
    if (!this.answering) {
      this.answering = true;
      queueMicrotask(() => {
        this.answering = false;
      });
    }
    return false;
  }
}
