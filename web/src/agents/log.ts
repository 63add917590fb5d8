// Reads a terminal's output as text: what was printed last, and what comes while it is followed.
//
// It must not know how it is shown. The hub gives every byte once, also over a lost connection.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import { Format } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import type { TerminalStart } from "../hub/hub.ts";
import { useClients, useHub } from "../workspace/hooks.tsx";
import { LogText } from "./log-text.ts";
import { bytesWords } from "./words.ts";

/** How often what has come is drawn. */
const DRAW_MS = 120;
export const EARLIER_BYTES = 128 * 1024;
/** Text of earlier output that is kept. */
const EARLIER_CHARS_MAX = 1024 * 1024;

export interface Log {
  text: string;
  /** Where what is shown begins in the output; undefined until it is known. */
  begins?: bigint;
  ended: boolean;
  opened: boolean;
  /** True if lines at the top are no longer kept here. */
  dropped: boolean;
  failure?: Failure;
}

const EMPTY: Log = { text: "", ended: false, opened: false, dropped: false };

/** Reads while `follow`; what was read stays. */
export function useLog(terminalId: string | undefined, start: TerminalStart, follow: boolean): Log {
  const hub = useHub();
  const [log, setLog] = useState<Log>(EMPTY);
  const next = useRef<bigint>(undefined);
  const first = useRef(start);
  const lines = useMemo(() => new LogText(), []);

  useEffect(() => {
    if (!terminalId || !follow) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const change: Partial<Log> = {};
    const draw = (more: Partial<Log>) => {
      Object.assign(change, more);
      timer ??= setTimeout(() => {
        timer = undefined;
        setLog((before) => ({ ...before, ...change, text: lines.text, dropped: lines.dropped }));
      }, DRAW_MS);
    };
    const from = next.current === undefined ? first.current : { offset: next.current };
    const leave = hub.terminal(terminalId, from, {
      opened({ offset }) {
        const begins = next.current === undefined ? { begins: offset } : {};
        next.current ??= offset;
        draw({ opened: true, failure: undefined, ...begins });
      },
      output({ offset, data, done }) {
        next.current = offset + BigInt(data.length);
        lines.push(data);
        draw({});
        done();
      },
      gap({ from, to }) {
        next.current = to;
        lines.gap(`[${bytesWords(to - from)} of output are not kept]`);
        draw({});
      },
      event({ event }) {
        if (event.case === "exited") {
          draw({ ended: true });
        }
      },
      failed(failure) {
        draw({ opened: true, failure });
      },
    });
    return () => {
      clearTimeout(timer);
      leave();
      setLog((before) => ({ ...before, ...change, text: lines.text, dropped: lines.dropped }));
    };
  }, [hub, terminalId, follow, lines]);

  return log;
}

export interface Earlier {
  text: string;
  /** True if nothing lies before it, or no more is kept here. */
  atStart: boolean;
  loading: boolean;
  load(): void;
}

/** What was printed before `begins`, a piece at a time. */
export function useEarlier(terminalId: string | undefined, begins: bigint | undefined): Earlier {
  const clients = useClients();
  const [earlier, setEarlier] = useState<{ text: string; from?: bigint; done: boolean }>({
    text: "",
    done: false,
  });
  const [loading, setLoading] = useState(false);
  const from = earlier.from ?? begins;
  const load = useCallback(async () => {
    if (!terminalId || from === undefined || from === 0n) {
      return;
    }
    setLoading(true);
    const length = from < BigInt(EARLIER_BYTES) ? Number(from) : EARLIER_BYTES;
    try {
      const offset = from - BigInt(length);
      const answer = await clients.terminals.readOutput({ terminalId, offset, length, format: Format.TEXT });
      // After a gap nothing may be left of the piece: that is the start of what is kept.
      const text = answer.offset < from ? answer.text : "";
      setEarlier((before) => ({
        text: text + before.text,
        from: answer.offset < from ? answer.offset : 0n,
        done: answer.offset > offset || text.length + before.text.length > EARLIER_CHARS_MAX,
      }));
    } catch (error) {
      setEarlier((before) => ({
        ...before,
        text: `[${failureOf(error).message}]\n${before.text}`,
        done: true,
      }));
    } finally {
      setLoading(false);
    }
  }, [clients, terminalId, from]);
  return {
    text: earlier.text,
    atStart: earlier.done || from === undefined || from === 0n,
    loading,
    load: () => void load(),
  };
}
