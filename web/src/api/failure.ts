// What went wrong with a call, in words for people: the reason, what to do, the request to look for in the log.

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
}
