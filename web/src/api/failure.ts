// What went wrong with a call, in words for people: the reason, what to do, the request to look for in the log.
//
// It must not know what was called. A Failure is a plain object, so that it passes between a page and its hub.

import { Code, ConnectError } from "@connectrpc/connect";
import { type FieldViolation, readErrorInfo, readFieldViolations, readRetryDelay } from "./details.ts";

export interface Failure {
  /** The server's stable reason, such as "TERMINAL_QUOTA"; of our own: "UNREACHABLE", "CANCELLED". */
  reason: string;
  /** gRPC's code, such as "resource_exhausted". */
  code: string;
  /** A sentence from the server: what was wrong and what to do. */
  message: string;
  requestId?: string;
  /** True if the same call may succeed later. */
  retryable: boolean;
  /** ErrorInfo's metadata. */
  metadata: Readonly<Record<string, string>>;
  /** Fields of the request that were wrong, of BAD_REQUEST. */
  fields?: readonly FieldViolation[];
  /** The server asks to wait so long before the call is made again. */
  retryAfterMs?: number;
}

export const REQUEST_ID = "x-request-id";

const UNREACHABLE = "The server does not answer. Check that it runs and that this machine reaches it.";

/** Makes a failure of our own. */
export function failure(reason: string, code: string, message: string, retryable = false): Failure {
  return { reason, code, message, retryable, metadata: {} };
}

/** True if the token is refused: only signing in again helps. */
export function isRefused(why: Failure): boolean {
  return why.code === "unauthenticated";
}

/** True if the same may succeed by itself a little later: the server is away, busy, or in trouble. */
export function isPassing(why: Failure): boolean {
  return why.retryable || ["unavailable", "deadline_exceeded", "internal"].includes(why.code);
}

export function failureOf(error: unknown): Failure {
  if (isFailure(error)) {
    return error;
  }
  const from = ConnectError.from(error);
  const made = fromServer(from) ?? ourOwn(from);
  const requestId = from.metadata.get(REQUEST_ID);
  return requestId ? { ...made, requestId } : made;
}

/** What the server said of it, if it was the server who said no. */
function fromServer(error: ConnectError): Failure | undefined {
  const code = nameOf(error.code);
  const found: Partial<Failure> = {};
  for (const detail of error.details) {
    if (!("type" in detail)) {
      continue;
    }
    try {
      if (detail.type === "google.rpc.ErrorInfo") {
        const info = readErrorInfo(detail.value);
        found.reason = info.reason;
        found.metadata = info.metadata;
      } else if (detail.type === "google.rpc.RetryInfo") {
        found.retryAfterMs = readRetryDelay(detail.value);
      } else if (detail.type === "google.rpc.BadRequest") {
        found.fields = readFieldViolations(detail.value);
      }
    } catch {
      // A detail that is broken says nothing; the code still does.
    }
  }
  if (found.reason === undefined) {
    return undefined;
  }
  const retryable = error.code === Code.Unavailable || error.code === Code.ResourceExhausted;
  return { code, message: error.rawMessage, retryable, metadata: {}, ...found, reason: found.reason };
}

/** What became of a call that the server did not answer. */
function ourOwn(error: ConnectError): Failure {
  switch (error.code) {
    case Code.Canceled:
      return failure("CANCELLED", "canceled", "The call was given up.");
    case Code.DeadlineExceeded:
      return failure("DEADLINE_EXCEEDED", "deadline_exceeded", "The server took too long to answer.", true);
    case Code.Unavailable:
    case Code.Unknown:
    case Code.Internal:
    case Code.DataLoss:
    case Code.Aborted:
      return failure("UNREACHABLE", "unavailable", UNREACHABLE, true);
    default:
      return failure(nameOf(error.code).toUpperCase(), nameOf(error.code), error.rawMessage);
  }
}

function nameOf(code: Code): string {
  return Code[code].replace(/(?!^)([A-Z])/g, "_$1").toLowerCase();
}

function isFailure(error: unknown): error is Failure {
  return typeof error === "object" && error !== null && "retryable" in error && "reason" in error;
}
