// What is on its way, kept for the tab: a reload in between sends it again under the same request id.
// It must not know how it is sent.

import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { type Failure, failure } from "../api/failure.ts";
import { ParametersSchema } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Shelf } from "./drafts.ts";
import type { Picture } from "./images.ts";
import type { Outgoing } from "./outgoing.ts";

const KEY = "mosaic.outbox";
const KEPT_MAX = 8;
/** The server knows request ids for a day: so long the same request may be sent again. */
const AGE_MAX_MS = 20 * 3_600_000;

/** Keeps it, at once and with its images; false if there is no room for it. */
export function keepOutgoing(shelf: Shelf, outgoing: Outgoing, now: number): boolean {
  const { what } = outgoing;
  const images =
    what.kind === "send"
      ? what.images.map(({ name, mediaType, data }) => ({ name, mediaType, data: base64Encode(data) }))
      : undefined;
  const parameters =
    what.kind === "send" && what.parameters ? toJson(ParametersSchema, what.parameters) : undefined;
  const others = read(shelf).filter((kept) => idOf(kept) !== outgoing.requestId && !isOld(kept, now));
  if (others.length >= KEPT_MAX) {
    return false;
  }
  const one = { ...outgoing, what: { ...what, parameters, images } };
  return write(shelf, [one, ...others]);
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
    if (outgoing && outgoing.what.conversationId === conversationId && !isOld(outgoing, now)) {
      found.push(outgoing);
    }
  }
  return found;
}

/** So long ago that the server may have forgotten its request id, and would take it for another message. */
export function isOld(kept: unknown, now: number): boolean {
  return !isRecord(kept) || typeof kept.since !== "number" || now - kept.since > AGE_MAX_MS;
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
  const why = kept.phase === "failed" ? failureIn(kept.failure) : undefined;
  const base = { requestId, since, phase: why ? ("failed" as const) : ("sending" as const), failure: why };
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
    return { ...base, what: { kind, conversationId, text, images: imagesIn(what.images), ...more } };
  } catch {
    return undefined;
  }
}

/** Throws what is not Base64: half of a message is not to be sent. */
function imagesIn(value: unknown): readonly Picture[] {
  return (Array.isArray(value) ? value : []).map((one: unknown) => {
    if (!isRecord(one) || typeof one.data !== "string") {
      throw new Error("not an image");
    }
    const { name, mediaType } = one;
    return { name: stringOf(name) ?? "", mediaType: stringOf(mediaType) ?? "", data: base64Decode(one.data) };
  });
}

function failureIn(value: unknown): Failure | undefined {
  if (!isRecord(value)) {
    return undefined;
  }
  const { reason, code, message } = value;
  return failure(
    stringOf(reason) ?? "",
    (stringOf(code) ?? "unknown") as Failure["code"],
    stringOf(message) ?? "",
  );
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

function write(shelf: Shelf, kept: readonly unknown[]): boolean {
  try {
    if (kept.length === 0) {
      shelf.removeItem(KEY);
    } else {
      shelf.setItem(KEY, JSON.stringify(kept));
    }
    return true;
  } catch {
    // Full or forbidden.
    return false;
  }
}
