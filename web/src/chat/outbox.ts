// What is on its way, kept for the tab: a reload in between sends it again under the same request id.
// It must not know how it is sent.

import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ParametersSchema } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Shelf } from "./drafts.ts";
import type { Outgoing } from "./outgoing.ts";

const KEY = "mosaic.outbox";
const KEPT_MAX = 8;
const TEXT_MAX = 256 * 1024;
/** The server knows request ids for a day; nobody waits so long. */
const AGE_MAX_MS = 3_600_000;

/** Keeps it; images are too large for that, and only the draft of their text is left after a reload. */
export function keepOutgoing(shelf: Shelf, outgoing: Outgoing): void {
  const { what } = outgoing;
  if (what.kind === "send" && (what.images.length > 0 || what.text.length > TEXT_MAX)) {
    return;
  }
  const parameters =
    what.kind === "send" && what.parameters ? toJson(ParametersSchema, what.parameters) : undefined;
  const others = read(shelf).filter((kept) => idOf(kept) !== outgoing.requestId);
  write(
    shelf,
    [{ ...outgoing, what: { ...what, parameters }, failure: undefined }, ...others].slice(0, KEPT_MAX),
  );
}

export function forgetOutgoing(shelf: Shelf, requestId: string): void {
  const kept = read(shelf);
  const rest = kept.filter((one) => idOf(one) !== requestId);
  if (rest.length !== kept.length) {
    write(shelf, rest);
  }
}

/** What was on its way into a conversation when the page was left. */
export function outgoingOf(shelf: Shelf, conversationId: string, now: number): readonly Outgoing[] {
  const found: Outgoing[] = [];
  for (const kept of read(shelf)) {
    const outgoing = parsed(kept);
    if (outgoing && outgoing.what.conversationId === conversationId && now - outgoing.since < AGE_MAX_MS) {
      found.push(outgoing);
    }
  }
  return found;
}

function idOf(kept: unknown): unknown {
  return isRecord(kept) ? kept.requestId : undefined;
}

function parsed(kept: unknown): Outgoing | undefined {
  if (!isRecord(kept) || !isRecord(kept.what)) {
    return undefined;
  }
  const { requestId, since, what } = kept;
  const { kind, conversationId, text, messageId } = what;
  if (typeof requestId !== "string" || typeof since !== "number" || typeof conversationId !== "string") {
    return undefined;
  }
  const base = { requestId, since, phase: "sending" as const };
  const model = stringOf(what.model);
  if (kind === "regenerate" && typeof messageId === "string") {
    return { ...base, what: { kind, conversationId, messageId, model } };
  }
  if (kind !== "send" || typeof text !== "string") {
    return undefined;
  }
  try {
    const parameters =
      what.parameters === undefined ? undefined : fromJson(ParametersSchema, what.parameters as JsonValue);
    const more = { model, system: stringOf(what.system), parentId: stringOf(what.parentId), parameters };
    return { ...base, what: { kind, conversationId, text, images: [], ...more } };
  } catch {
    return undefined;
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function read(shelf: Shelf): readonly unknown[] {
  try {
    const kept: unknown = JSON.parse(shelf.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function write(shelf: Shelf, kept: readonly unknown[]): void {
  try {
    if (kept.length === 0) {
      shelf.removeItem(KEY);
    } else {
      shelf.setItem(KEY, JSON.stringify(kept));
    }
  } catch {
    // A full or forbidden storage: a reload in this moment leaves the draft.
  }
}
