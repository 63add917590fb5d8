// A terminal's state, title and end, in words. It must not know React or the hub.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Exit,
  Exit_Reason,
  type Terminal,
  Terminal_State,
} from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";

export function isLive(terminal: Terminal): boolean {
  return terminal.state === Terminal_State.STARTING || terminal.state === Terminal_State.RUNNING;
}

/** The program with its arguments, as one would type it. */
export function commandLine(command: readonly string[]): string {
  return command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** A title as it may stand among the page's words: without what turns or hides the text around it. */
export function plainTitle(title: string): string {
  return title
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, "")
    .trim();
}

/** 72_000 is "1 min 12 s": two units at most. */
export function spanWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (milliseconds < 1000) {
    return "less than a second";
  }
  const units: [number, string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  let left = seconds;
  const words: string[] = [];
  for (const [size, unit] of units.slice(first, first + 2)) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) {
      words.push(`${count} ${unit}`);
    }
  }
  return words.join(" ");
}

/** "1.2 MB" for people; offsets stay bigint. */
export function bytesWords(bytes: bigint): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let tenths = bytes * 10n;
  while (tenths >= 10_000n && unit < units.length - 1) {
    tenths = (tenths + 500n) / 1000n;
    unit++;
  }
  const whole = tenths / 10n;
  const shown = unit === 0 || whole >= 100n || tenths % 10n === 0n ? `${whole}` : `${whole}.${tenths % 10n}`;
  return `${shown} ${units[unit]}`;
}

/** The server's words as sentences: a capital first, a full stop last. */
export function sentence(...parts: readonly string[]): string {
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1) + (/[.!?]$/.test(part) ? "" : "."))
    .join(" ");
}

export type Tone = "good" | "bad" | "dim";

export interface Ending {
  /** "Exited with code 1 after 3 min", a sentence without its full stop. */
  text: string;
  /** A mark on the tab: "1", "KILL"; empty if it ended well. */
  mark: string;
  tone: Tone;
  /** What is missing, or what to do; empty mostly. */
  hint: string;
}

/** How a terminal ended; undefined while it lives. */
export function ending(terminal: Terminal): Ending | undefined {
  if (isLive(terminal)) {
    return undefined;
  }
  const { exit, createTime, endTime } = terminal;
  const span =
    createTime && endTime ? ` after ${spanWords(timestampMs(endTime) - timestampMs(createTime))}` : "";
  if (terminal.state === Terminal_State.LOST || exit?.reason === Exit_Reason.LOST) {
    return {
      text: `Lost${span}`,
      mark: "lost",
      tone: "bad",
      hint: "The machine, or both processes that held it, went away. What it had printed up to then is kept.",
    };
  }
  const survivors = terminal.treeEnd?.survivors.length ?? 0;
  const hint =
    survivors > 0 ? `${survivors === 1 ? "One process" : `${survivors} processes`} may be left.` : "";
  return { ...exitWords(exit, span), hint };
}

function exitWords(exit: Exit | undefined, span: string): Omit<Ending, "hint"> {
  switch (exit?.reason) {
    case Exit_Reason.CLOSED:
      return { text: `Closed${span}`, mark: "", tone: "dim" };
    case Exit_Reason.KILLED:
      return { text: `Ended with the server${span}`, mark: "", tone: "dim" };
    case Exit_Reason.IDLE_TIMEOUT:
      return { text: `Closed${span}: idle for too long`, mark: "idle", tone: "dim" };
    case Exit_Reason.TIME_LIMIT:
      return { text: `Closed${span}: its time was up`, mark: "time", tone: "bad" };
  }
  if (exit?.signal !== undefined) {
    const name = exit.signalName || `signal ${exit.signal}`;
    return { text: `Ended by ${name}${span}`, mark: name.replace(/^SIG/, ""), tone: "bad" };
  }
  if (exit?.code !== undefined) {
    const good = exit.code === 0;
    return {
      text: `Exited with code ${exit.code}${span}`,
      mark: good ? "" : `${exit.code}`,
      tone: good ? "good" : "bad",
    };
  }
  return { text: `Ended${span}; the kernel no longer tells how`, mark: "?", tone: "dim" };
}

const SHELLS = new Set(["sh", "bash", "zsh", "fish", "dash", "ksh", "tcsh", "csh", "nu", "elvish", "xonsh"]);

/** True if it is an interactive shell: one without a command or a script to run. */
export function isShell(terminal: Terminal): boolean {
  const [program = "", ...rest] = terminal.command;
  const name = (program.split("/").at(-1) ?? "").replace(/^-/, "");
  return SHELLS.has(name) && rest.every((word) => word.startsWith("-") && !/^-[a-z]*c/.test(word));
}
