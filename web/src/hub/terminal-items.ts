// The pieces of a terminal's log as the hub hands them on: pure functions. It must not know readers or streams.

import { create } from "@bufbuild/protobuf";
import { larger, smaller } from "../api/bigints.ts";
import {
  type Exit,
  ExitedSchema,
  type Gap,
  ResizedSchema,
  type Terminal,
  Terminal_State,
  type TerminalEvent,
  TerminalEventSchema,
  TerminalSchema,
  TitleChangedSchema,
} from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { TerminalStart } from "./hub.ts";
import type { TerminalItem } from "./protocol.ts";
import type { Item } from "./ring.ts";

export function isLive(terminal: Terminal): boolean {
  return terminal.state === Terminal_State.RUNNING || terminal.state === Terminal_State.STARTING;
}

export function placeOf(start: TerminalStart, terminal: Terminal): bigint {
  const { outputStart, outputEnd } = terminal;
  if ("offset" in start) {
    return smaller(start.offset, outputEnd);
  }
  return larger(outputEnd - start.tailBytes, outputStart);
}

export function costOf(value: TerminalItem): number {
  return "output" in value ? value.output.length : 0;
}

export function gapItem(gap: Gap): Item<TerminalItem> {
  return { start: gap.from, end: gap.to, cost: 0, value: { gap } };
}

export function exited(terminalId: string, exit: Exit | undefined, finalOffset: bigint): TerminalEvent {
  const value = create(ExitedSchema, { exit, finalOffset });
  return create(TerminalEventSchema, { terminalId, event: { case: "exited", value } });
}

/** An event that has no length: it lies between two bytes. */
export function markItem(event: TerminalEvent, at: bigint): Item<TerminalItem> {
  return { start: at, end: at, cost: 0, value: { event } };
}

/** The events that tell how a terminal is now: who knows already ignores them. */
export function marksOf({ id: terminalId, cols, rows, title }: Terminal, offset: bigint): TerminalEvent[] {
  const resized = { case: "resized" as const, value: create(ResizedSchema, { cols, rows, offset }) };
  const titleChanged = {
    case: "titleChanged" as const,
    value: create(TitleChangedSchema, { title, offset }),
  };
  return [resized, titleChanged].map((event) => create(TerminalEventSchema, { terminalId, event }));
}

/** The terminal after an event of its own. */
export function marked(terminal: Terminal, { event }: TerminalEvent): Terminal {
  if (event.case === "resized") {
    const { cols, rows } = event.value;
    return create(TerminalSchema, { ...terminal, cols, rows });
  }
  return event.case === "titleChanged"
    ? create(TerminalSchema, { ...terminal, title: event.value.title })
    : terminal;
}

/** What is left of an item for a reader that is in the middle of it. */
export function clipOutput(item: Item<TerminalItem>, from: bigint): Item<TerminalItem> {
  if (from <= item.start || from >= item.end) {
    return item;
  }
  const { value } = item;
  if ("output" in value) {
    const output = value.output.subarray(Number(from - item.start));
    return { start: from, end: item.end, cost: output.length, value: { output, offset: from } };
  }
  if ("gap" in value) {
    return { ...item, start: from, value: { gap: { ...value.gap, from } } };
  }
  return item;
}
