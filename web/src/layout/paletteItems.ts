// What the palette finds for what was typed, in sections. It must not know the server or how it is drawn.

import type { LucideIcon } from "lucide-react";
import { score } from "./fuzzy.ts";

export interface PaletteItem {
  /** Unique in the palette. */
  id: string;
  label: string;
  /** Dim, after the label: a state, an age. */
  detail?: string;
  section: string;
  icon?: LucideIcon;
  shortcut?: string;
  /** More words to find it by. */
  keywords?: string;
  /** It is over: found only by what is typed. */
  ended?: boolean;
  run(): void;
}

export interface PaletteSection {
  value: string;
  items: PaletteItem[];
}

/** Sections that grow with the workspace; the others are commands. */
export const GROWING = {
  conversations: "Open conversation",
  terminals: "Open terminal",
  agents: "Open agent",
} as const;

const SHOWN_WHILE_EMPTY = 5;
const SHOWN_MAX = 12;

/** Without a query all commands, then a few things that live; with one what fits, best section first. */
export function sectionsFor(query: string, items: readonly PaletteItem[]): PaletteSection[] {
  const asked = query.trim();
  const growing: readonly string[] = Object.values(GROWING);
  const sections = new Map<string, { item: PaletteItem; fit: number }[]>();
  for (const item of items) {
    const fit = asked === "" ? (item.ended ? undefined : 0) : fitOf(asked, item);
    if (fit === undefined) continue;
    const section = sections.get(item.section) ?? [];
    section.push({ item, fit });
    sections.set(item.section, section);
  }
  const found = [...sections].map(([value, fits]) => {
    // The order that things came in is kept where they fit alike.
    const sorted = asked === "" ? fits : fits.sort((a, b) => b.fit - a.fit);
    const most = asked === "" ? (growing.includes(value) ? SHOWN_WHILE_EMPTY : fits.length) : SHOWN_MAX;
    return { value, best: sorted[0]?.fit ?? 0, items: sorted.slice(0, most).map(({ item }) => item) };
  });
  // Commands come whenever their views do: nothing typed, the ways to somewhere are first, and Enter ends nothing.
  const place = (value: string) => (value === "Go to" ? 0 : growing.includes(value) ? 2 : 1);
  found.sort((a, b) => (asked === "" ? place(a.value) - place(b.value) : b.best - a.best));
  return found.map(({ value, items: shown }) => ({ value, items: shown }));
}

/** What it is called counts more than what else it can be found by. */
function fitOf(asked: string, { label, keywords }: PaletteItem): number | undefined {
  const called = score(asked, label);
  if (called !== undefined) return called;
  const found = score(asked, `${label} ${keywords ?? ""}`);
  return found === undefined ? undefined : found - 2;
}
