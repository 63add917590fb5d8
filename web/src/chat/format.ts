// Numbers, failures and states of answers in words for people.
// It must not know where they are shown.

import { type Message, Message_State, type Usage, Usage_Source } from "../api/gen/mosaic/chat/v1/chat_pb.ts";

/** 950, 1.2k, 32k, 1.5M. */
export function count(tokens: bigint | number): string {
  const value = Number(tokens);
  if (value < 1000) {
    return String(value);
  }
  const [scaled, unit] = value < 999_500 ? [value / 1000, "k"] : [value / 1e6, "M"];
  return `${scaled < 9.95 ? scaled.toFixed(1).replace(/\.0$/, "") : Math.round(scaled)}${unit}`;
}

/** 320 ms, 4.1 s, 2 min 5 s. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) {
    return `${Math.round(milliseconds)} ms`;
  }
  const seconds = milliseconds / 1000;
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1).replace(/\.0$/, "") : Math.round(seconds)} s`;
  }
  const rest = Math.round(seconds % 60);
  return `${Math.floor(seconds / 60)} min${rest > 0 ? ` ${rest} s` : ""}`;
}

export function bytes(size: number): string {
  return size < 1024 * 1024
    ? `${Math.max(1, Math.round(size / 1024))} KiB`
    : `${(size / 1048576).toFixed(1)} MiB`;
}

/** "≈" where the count is estimated. */
export function about(usage: Usage): string {
  return usage.source === Usage_Source.ESTIMATED ? "≈" : "";
}

/** The rows of a table of tokens. */
export function usageRows(usage: Usage): readonly (readonly [string, string])[] {
  const sign = about(usage);
  const rows: [string, string][] = [
    ["Input", sign + usage.input.toLocaleString()],
    ["Output", sign + usage.output.toLocaleString()],
  ];
  if (usage.cached > 0n) {
    rows.push(["of it cached", sign + usage.cached.toLocaleString()]);
    rows.splice(1, 0, ...rows.splice(2, 1));
  }
  if (usage.thinking > 0n) {
    rows.push(["of it thinking", sign + usage.thinking.toLocaleString()]);
  }
  return rows;
}

const FAILURES: Readonly<Record<string, string>> = {
  CONNECT: "could not be reached",
  TIMEOUT: "did not answer in time",
  RATE_LIMITED: "takes no more requests for now",
  OVERLOADED: "is overloaded",
  DENIED: "refused the key",
  MODEL_NOT_FOUND: "is not known to its provider",
  CONTEXT_TOO_LONG: "cannot take so long a conversation",
  REFUSED: "refused the request",
  CUT: "broke off",
  MALFORMED: "answered with something unreadable",
  UNAVAILABLE: "is unavailable",
  COOLDOWN: "failed a moment ago, and was not asked",
};

/** What a kind of failure means, after the name of the model. */
export function failureWords(kind: string): string {
  return FAILURES[kind] ?? "failed";
}

const BEGINNINGS: Readonly<Record<string, string>> = {
  ALL_MODELS_FAILED: "No model answered",
  PROVIDER_FAILED: "The answer broke off",
  TIMED_OUT: "The answer took too long",
  LOG_FAILED: "The answer could not be kept",
};

/** Why an answer failed, in a sentence. */
export function failureSentence(reason: string, message: string): string {
  const beginning = BEGINNINGS[reason] ?? "The answer failed";
  return message === "" ? `${beginning}.` : `${beginning}: ${message.replace(/\.?$/, ".")}`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ALL_MODELS_FAILED: "Try again, or choose another model. The attempts say what each one answered.",
  PROVIDER_FAILED: "What had come is kept. Try again, or choose another model.",
  TIMED_OUT: "What had come is kept. Try again, or ask for a shorter answer.",
  LOG_FAILED: "The server's disk may be full. Tell whoever runs it, then try again.",
};

/** What to do about an answer that failed. */
export function remedy(reason: string): string {
  return REMEDIES[reason] ?? "Try again.";
}

const REFUSALS: Readonly<Record<string, string>> = {
  MODEL_NOT_FOUND: "Choose another model below.",
  GENERATION_QUOTA: "Wait for one of them, or stop one.",
  MESSAGE_STREAMING: "Wait for its end, or stop it.",
};

/** The server says it in the words of its API. */
const BUDGET =
  "Today's budget of tokens has too little left for this answer: Usage shows it. Lower “Longest answer” in the " +
  "settings, or wait until midnight UTC. Commands still go.";

/** Why a message was not taken, and what to do. */
export function refusalWords({ reason, message }: { reason: string; message: string }): string {
  if (reason === "TOKEN_BUDGET") {
    return BUDGET;
  }
  const what = REFUSALS[reason];
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`.replace(/[.\s]*$/, ".");
  return what === undefined ? sentence : `${sentence} ${what}`;
}

/** Why an answer ended otherwise than by itself, in a sentence; undefined: nothing is to be said. */
export function endWords(message: Message): string | undefined {
  if (message.state === Message_State.STOPPED) {
    return message.stoppedBy ? `Stopped by ${message.stoppedBy}.` : "Stopped.";
  }
  if (message.state !== Message_State.COMPLETE) {
    return undefined;
  }
  switch (message.finishReason) {
    case "LENGTH":
      return "Cut off: the answer reached its limit of tokens. Raise “Longest answer” in the settings, or say “go on”.";
    case "REFUSED":
      return "The model refused to answer.";
    default:
      return undefined;
  }
}

/** Milliseconds that an answer took; not known of one that was interrupted: it ended when the server was back. */
export function tookMs({ createTime, endTime, state }: Message): number | undefined {
  if (!createTime || !endTime || state === Message_State.INTERRUPTED) {
    return undefined;
  }
  return Number(endTime.seconds - createTime.seconds) * 1000 + (endTime.nanos - createTime.nanos) / 1e6;
}
