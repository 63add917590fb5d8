// The one way to the server: gRPC-Web to where the page came from, with the token and a request id.
//
// It must not know who calls, nor what.

import { ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { type Failure, failureOf, REQUEST_ID } from "./failure.ts";
import { uuidv7 } from "./uuid.ts";

/** How long a unary call may take that says nothing of its own. */
const DEADLINE_MS = 30_000;

export interface TransportOptions {
  token?: string | undefined;
  /** Ends every call. */
  signal?: AbortSignal | undefined;
  /** Called after each call: with nothing if the server answered well, else with what went wrong. */
  outcome?: ((why: Failure | undefined) => void) | undefined;
  fetch?: typeof globalThis.fetch;
}

export function makeTransport({ token, signal, outcome, fetch }: TransportOptions): Transport {
  const inner = createGrpcWebTransport({
    baseUrl: globalThis.location.origin,
    defaultTimeoutMs: DEADLINE_MS,
    interceptors: [identify(token, outcome)],
    fetch,
  });
  const both = (own: AbortSignal | undefined) =>
    signal && own ? AbortSignal.any([signal, own]) : (own ?? signal);
  return {
    unary: (method, own, timeoutMs, header, message, values) =>
      inner.unary(method, both(own), timeoutMs, header, message, values),
    // A stream has no deadline: it is watched by its heartbeats.
    stream: (method, own, timeoutMs, header, messages, values) =>
      inner.stream(method, both(own), timeoutMs ?? 0, header, messages, values),
  };
}

function identify(token: string | undefined, outcome: TransportOptions["outcome"]): Interceptor {
  return (next) => async (request) => {
    if (token) {
      request.header.set("authorization", `Bearer ${token}`);
    }
    const id = uuidv7();
    request.header.set(REQUEST_ID, id);
    try {
      const answer = await next(request);
      outcome?.(undefined);
      return answer;
    } catch (error) {
      const from = ConnectError.from(error);
      if (!from.metadata.has(REQUEST_ID)) {
        from.metadata.set(REQUEST_ID, id);
      }
      outcome?.(failureOf(from));
      throw from;
    }
  };
}
