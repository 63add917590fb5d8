// One xterm with its addons in an element of its own, which moves from place to place and keeps its content.
//
// It must not know where output comes from or where typing goes.

import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { type IDisposable, type ITheme, Terminal } from "@xterm/xterm";
import { safeLink } from "./links.ts";
import { look, onLookChange } from "./settings.ts";
import type { Size } from "./size.ts";

const FONT = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Color Emoji", monospace';

/** Lines kept above the screen. */
export const SCROLLBACK_LINES = 10_000;
/** The same while older output is shown. */
export const SCROLLBACK_LINES_MAX = 100_000;

/** Matches that are marked at once: more are counted as "more than". */
export const MATCHES_MAX = 1000;

/** A place that is lower is a panel that opens or closes: programs are not told of it. */
const ROWS_LEAST = 2;

/** A link under the pointer. */
export interface LinkHover {
  url: string;
  x: number;
  y: number;
}

export class Screen implements IDisposable {
  readonly element = document.createElement("div");
  readonly term: Terminal;
  readonly search = new SearchAddon({ highlightLimit: MATCHES_MAX });
  private readonly fit = new FitAddon();
  private webgl: WebglAddon | undefined;
  private webglRefused = false;
  private opened = false;
  private readonly stopSettings: () => void;

  constructor(
    private readonly hover: (link: LinkHover | undefined) => void,
    mac: boolean,
  ) {
    const follow = (event: MouseEvent, text: string) => {
      const url = safeLink(text);
      if (url !== undefined && (mac ? event.metaKey : event.ctrlKey)) {
        window.open(url, "_blank", "noopener,noreferrer");
      }
    };
    const show = (event: MouseEvent, text: string) => {
      const url = safeLink(text);
      this.hover(url === undefined ? undefined : { url, x: event.clientX, y: event.clientY });
    };
    const leave = () => this.hover(undefined);
    this.term = new Terminal({
      allowProposedApi: true,
      scrollback: SCROLLBACK_LINES,
      lineHeight: 1.15,
      cursorInactiveStyle: "outline",
      macOptionIsMeta: true,
      macOptionClickForcesSelection: true,
      minimumContrastRatio: 1,
      overviewRuler: { width: 10 },
      rescaleOverlappingGlyphs: true,
      scrollSensitivity: 1,
      linkHandler: { activate: follow, hover: show, leave },
      ...look(),
    });
    this.element.style.height = "100%";
    for (const addon of [this.fit, this.search, new UnicodeGraphemesAddon()]) {
      this.term.loadAddon(addon);
    }
    this.term.loadAddon(new WebLinksAddon(follow, { hover: show, leave }));
    this.stopSettings = onLookChange(() => {
      Object.assign(this.term.options, look());
    });
  }

  /** Shows it in a place. xterm measures its font there, so it is opened no earlier. */
  attach(place: HTMLElement): void {
    place.append(this.element);
    if (!this.opened) {
      this.opened = true;
      const mono = getComputedStyle(place).getPropertyValue("--font-mono").trim();
      this.term.options.fontFamily = mono || FONT;
      this.term.open(this.element);
    }
    this.loadWebgl();
  }

  /** Takes it away. The graphics context goes: a browser has only so many. */
  detach(): void {
    this.element.remove();
    this.webgl?.dispose();
    this.webgl = undefined;
  }

  /** What fits into its place; undefined while that cannot be told. */
  proposed(): Size | undefined {
    const size = this.opened && this.element.isConnected ? this.fit.proposeDimensions() : undefined;
    const told = size !== undefined && Number.isFinite(size.cols) && Number.isFinite(size.rows);
    return told && size.rows >= ROWS_LEAST ? size : undefined;
  }

  /** `boldIsBright`: bold text in the first eight colours takes the bright ones. */
  setTheme(theme: ITheme, boldIsBright: boolean): void {
    this.term.options.drawBoldTextInBrightColors = boldIsBright;
    this.term.options.theme = { overviewRulerBorder: theme.background, ...theme };
  }

  dispose(): void {
    this.stopSettings();
    this.detach();
    this.term.dispose();
  }

  /** The fast renderer, unless there is none; xterm draws with the DOM otherwise. */
  private loadWebgl(): void {
    if (this.webgl !== undefined || this.webglRefused) {
      return;
    }
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => {
        webgl.dispose();
        this.webgl = undefined;
        this.webglRefused = true;
      });
      this.term.loadAddon(webgl);
      this.webgl = webgl;
    } catch {
      this.webglRefused = true;
    }
  }
}
