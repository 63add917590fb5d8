// One terminal on this page: its stream, its screen, its typing and its size, tied together.
//
// It must not know React: views take it and give it back, and read `state`.

import { create as createMessage } from "@bufbuild/protobuf";
import { ClipboardAddon } from "@xterm/addon-clipboard";
import { createStore, type StoreApi } from "zustand/vanilla";
import {
  Terminal_State,
  type TerminalEvent,
  TerminalSchema,
} from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { uuidv7 } from "../api/uuid.ts";
import type { TerminalStart } from "../hub/hub.ts";
import { clipboardText } from "./clipboard-request.ts";
import { earlierOf, earlierStart, TAIL_BYTES } from "./older.ts";
import { Reading } from "./reading.ts";
import { SCROLLBACK_LINES_MAX, Screen } from "./screen.ts";
import { type Desk, INITIAL, type ReadOnly, type SessionState, type Surroundings } from "./session-state.ts";
import { look, useTerminalSettings } from "./settings.ts";
import { type Size, Sizing, sameSize } from "./size.ts";
import { Typist } from "./typist.ts";
import { isLive } from "./words.ts";

export class Session {
  readonly screen: Screen;
  readonly state: StoreApi<SessionState>;
  /** Set by the view that shows it. */
  desk: Desk | undefined;
  /** This session's name among all that may type into the terminal. */
  private readonly holder = uuidv7();
  private readonly typist: Typist;
  private readonly sizing: Sizing;
  private reading: Reading;
  /** Counts the readings that were begun anew; the last one holds. */
  private turn = 0;
  private attached = false;
  /** To be done once the reading has caught up. */
  private onceReady: (() => void) | undefined;
  private readonly ends: (() => void)[] = [];

  constructor(
    readonly terminalId: string,
    private readonly around: Surroundings,
  ) {
    this.state = createStore<SessionState>(() => INITIAL);
    this.screen = new Screen((link) => this.state.setState({ link }), around.mac);
    this.typist = new Typist(around.hub, terminalId, this.screen.term, this.state, {
      holds: () => this.holds,
      take: () => this.take(),
      readsHistory: () => this.reading.pacer.readsHistory,
      desk: () => this.desk,
    });
    this.sizing = new Sizing(
      (size) => this.ended || around.hub.resize(terminalId, size.cols, size.rows),
      (size) => this.showSize(size),
    );
    this.listen();
    this.guardClipboard();
    this.reading = this.read({ tailBytes: TAIL_BYTES });
  }

  attach(place: HTMLElement): void {
    this.attached = true;
    this.screen.attach(place);
    this.seen();
    this.place();
  }

  detach(): void {
    this.attached = false;
    this.screen.detach();
    this.state.setState({ link: undefined, control: false });
  }

  dispose(): void {
    this.turn += 1;
    this.reading.stop();
    this.around.claims.drop(this.terminalId, this.holder);
    for (const end of this.ends) {
      end();
    }
    this.typist.dispose();
    this.screen.dispose();
  }

  /** To type here. While another browser looks too, nothing changes for it before the first key. */
  focus(): void {
    this.screen.term.focus();
  }

  /** To have this view's size now, whoever typed last. */
  claim(): void {
    this.take();
    this.focus();
  }

  /** Its place has changed. */
  place(): void {
    const size = this.screen.proposed();
    if (size !== undefined) {
      this.sizing.placed(size, this.counts);
      this.tellSize();
    }
  }

  /** A person is here: this view's size counts from now on. */
  take(): void {
    if (this.state.getState().readOnly === undefined) {
      this.around.claims.take(this.terminalId, this.holder);
    }
  }

  /** So many look at it, this browser's one among them. */
  counted(viewers: number): void {
    if (viewers !== this.state.getState().viewers) {
      this.state.setState({ viewers });
      this.takeIfFree();
    }
  }

  setReadOnly(readOnly: ReadOnly | undefined): void {
    const { options } = this.screen.term;
    options.disableStdin = readOnly !== undefined;
    options.cursorInactiveStyle = readOnly === undefined ? "outline" : "none";
    options.cursorBlink = readOnly === undefined && look().cursorBlink;
    if (readOnly === "ended") {
      this.screen.term.write("\x1b[?25l");
    }
    this.state.setState({ readOnly, typedInVain: false });
    this.settle();
  }

  /** Reads anew, after a failure. */
  retry(): void {
    this.again({ tailBytes: TAIL_BYTES });
  }

  paste(text: string): Promise<void> {
    return this.typist.paste(text);
  }

  cancelPaste(): void {
    this.typist.cancelPaste();
  }

  /** What was told of typing that was not taken has been read. */
  dismissNotTaken(): void {
    this.typist.dismiss();
  }

  /** To the oldest line, or to the newest. */
  scroll(to: "top" | "bottom"): void {
    this.onceReady = undefined;
    const { term } = this.screen;
    to === "top" ? term.scrollToTop() : term.scrollToBottom();
  }

  /** A key of the key row, as xterm would send it. */
  press(data: string): void {
    this.screen.term.input(data, true);
  }

  /** Shows older output too: the same terminal, read from further back. */
  loadEarlier(): void {
    const { start, next, outputStart } = this.reading;
    const { term } = this.screen;
    const grows = (term.options.scrollback ?? 0) < SCROLLBACK_LINES_MAX;
    const from = earlierStart(start, next, outputStart) ?? (grows ? start : undefined);
    if (from === undefined) {
      return;
    }
    const fromBottom = term.buffer.active.baseY - term.buffer.active.viewportY;
    term.options.scrollback = SCROLLBACK_LINES_MAX;
    this.state.setState({ earlier: "loading" });
    this.again({ offset: from });
    this.onceReady = () => term.scrollToLine(Math.max(0, term.buffer.active.baseY - fromBottom));
  }

  private get holds(): boolean {
    return this.around.claims.holds(this.terminalId, this.holder);
  }

  /** Nobody else looks, as far as is known; before the stream has begun, nothing is. */
  private get alone(): boolean {
    const { terminal, viewers } = this.state.getState();
    return terminal !== undefined && viewers <= 1;
  }

  /** With nobody else about, whoever opens it is the one who will type. */
  private takeIfFree(): void {
    const { ready, terminal } = this.state.getState();
    const free = this.alone && !this.around.claims.taken(this.terminalId);
    if (free && ready && this.attached && terminal !== undefined && isLive(terminal)) {
      this.take();
    }
  }

  private get ended(): boolean {
    return this.state.getState().readOnly === "ended";
  }

  /**
   * True if it is shown as large as its place: nobody else minds, or it has ended. Not before all is there, at the
   * size that it was printed for.
   */
  private get counts(): boolean {
    return (this.holds || this.ended) && this.state.getState().ready;
  }

  private again(from: TerminalStart): void {
    this.reading.stop();
    this.onceReady = undefined;
    this.state.setState({ ready: false, failure: undefined });
    const turn = ++this.turn;
    // What xterm still has of before would be drawn over what comes: it is read to its end first.
    this.screen.term.write("", () => {
      if (turn === this.turn) {
        this.screen.term.reset();
        this.reading = this.read(from);
      }
    });
  }

  private read(from: TerminalStart): Reading {
    const { hub, read } = this.around;
    return new Reading(hub, this.terminalId, from, {
      sink: (data, taken) => this.screen.term.write(data, taken),
      read: read(this.terminalId),
      opened: ({ terminal, others }) => {
        this.state.setState({ terminal, failure: undefined, viewers: others + 1 });
        this.sizing.opened({ cols: terminal.cols, rows: terminal.rows }, this.counts);
        this.tellSize();
      },
      caughtUp: () => this.caughtUp(),
      printed: () => this.unseen("unseenOutput"),
      event: (event, past) => this.event(event, past),
      failed: (failure) => this.state.setState({ failure }),
    });
  }

  private caughtUp(): void {
    this.state.setState({ ready: true, earlier: "none" });
    this.takeIfFree();
    this.place();
    this.settle();
    this.onceReady?.();
    this.onceReady = undefined;
    this.tellTop();
  }

  private event({ event }: TerminalEvent, past: boolean): void {
    const { terminal } = this.state.getState();
    if (event.case === "resized") {
      const { cols, rows } = event.value;
      if (this.sizing.resized({ cols, rows }, this.counts, past)) {
        this.around.claims.lose(this.terminalId);
      }
      this.tellSize();
    } else if (event.case === "titleChanged" && terminal !== undefined) {
      this.state.setState({
        terminal: createMessage(TerminalSchema, { ...terminal, title: event.value.title }),
      });
    } else if (event.case === "exited" && terminal !== undefined) {
      const ended = { ...terminal, state: Terminal_State.EXITED, exit: event.value.exit };
      this.state.setState({ terminal: createMessage(TerminalSchema, ended) });
    }
  }

  private listen(): void {
    const { term, element } = this.screen;
    const disposables = [
      term.onBell(() => this.bell()),
      term.onRender(() => this.tellTop()),
      // Who types while older output comes wants to see what they type.
      term.onKey(() => {
        this.onceReady = undefined;
      }),
    ];
    // Before xterm's own: it may report the focus to the program at once.
    const focus = () => {
      if (this.alone) {
        this.take();
      }
      this.seen();
    };
    const paste = (event: ClipboardEvent) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      void this.paste(event.clipboardData?.getData("text/plain") ?? "");
    };
    const selected = () => {
      if (useTerminalSettings.getState().copyOnSelect && term.hasSelection()) {
        this.desk?.copied(term.getSelection());
      }
    };
    // They go with the element.
    element.addEventListener("focus", focus, true);
    element.addEventListener("paste", paste, true);
    element.addEventListener("mouseup", selected);
    const { claims } = this.around;
    this.ends.push(
      ...disposables.map((disposable) => () => disposable.dispose()),
      claims.subscribe((terminalId) => terminalId === this.terminalId && this.settle()),
    );
  }

  /** A program may ask to write to the clipboard; it is never told what is in it. */
  private guardClipboard(): void {
    const { term } = this.screen;
    const writeText = (_: string, text: string) => {
      if (text !== "" && !this.reading.pacer.readsHistory) {
        this.desk?.askClipboard(text, () => this.desk?.copied(text));
      }
    };
    const base64 = { encodeText: () => "", decodeText: (data: string) => clipboardText(data) ?? "" };
    term.loadAddon(new ClipboardAddon(base64, { readText: () => "", writeText }));
    term.parser.registerOscHandler(52, (data) => data.endsWith(";?"));
  }

  private settle(): void {
    this.sizing.settle(this.counts);
    this.tellSize();
  }

  private showSize({ cols, rows }: Size): void {
    const { term } = this.screen;
    if (cols > 0 && rows > 0 && (term.cols !== cols || term.rows !== rows)) {
      term.resize(cols, rows);
    }
  }

  private tellSize(): void {
    const { size, others } = this.sizing.current;
    const othersSize = others && !this.holds && !this.ended ? size : undefined;
    if (!sameSize(othersSize, this.state.getState().othersSize)) {
      this.state.setState({ othersSize });
    }
  }

  private tellTop(): void {
    const before = this.state.getState();
    if (!before.ready) {
      return;
    }
    const { buffer, options } = this.screen.term;
    const { active } = buffer;
    const scrollback = options.scrollback ?? 0;
    const atTop = active.type === "normal" && active.viewportY === 0 && active.baseY > 0;
    const full = active.baseY >= scrollback;
    const { start, next, outputStart } = this.reading;
    const earlier = earlierOf({
      start,
      next,
      outputStart,
      full,
      longest: scrollback >= SCROLLBACK_LINES_MAX,
    });
    if (atTop !== before.atTop || earlier !== before.earlier) {
      this.state.setState({ atTop, earlier });
    }
  }

  private bell(): void {
    if (!this.reading.pacer.readsHistory) {
      this.state.setState(({ bell }) => ({ bell: bell + 1 }));
      this.unseen("unseenBell");
    }
  }

  private unseen(what: "unseenBell" | "unseenOutput"): void {
    const looked = this.attached && document.visibilityState === "visible";
    if (!looked && !this.state.getState()[what]) {
      this.state.setState({ [what]: true });
    }
  }

  private seen(): void {
    const { unseenBell, unseenOutput } = this.state.getState();
    if (unseenBell || unseenOutput) {
      this.state.setState({ unseenBell: false, unseenOutput: false });
    }
  }
}
