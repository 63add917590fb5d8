// What an agent that has ended printed last: read once from the end of its log, and kept. It must not know how it is shown.

import { useEffect, useState } from "react";
import type { Clients } from "../api/clients.ts";
import { useClients } from "../workspace/hooks.tsx";
import { LogText } from "./log-text.ts";

/** A line is mostly shorter. */
const TAIL_BYTES = 4096;
const KEPT_MAX = 200;

const kept = new WeakMap<Clients, Map<string, Promise<string>>>();

/** Asks while `active`; what was read stays. Empty: it is not known yet, or nothing was printed. */
export function useLastLine(terminalId: string | undefined, active: boolean): string {
  const clients = useClients();
  const [found, setFound] = useState({ of: "", line: "" });
  useEffect(() => {
    if (!terminalId || !active) {
      return;
    }
    let left = false;
    readOnce(clients, terminalId).then(
      (line) => !left && setFound({ of: terminalId, line }),
      // It may be forgotten, or its server away: the card says the rest without it.
      () => kept.get(clients)?.delete(terminalId),
    );
    return () => {
      left = true;
    };
  }, [clients, terminalId, active]);
  return found.of === terminalId ? found.line : "";
}

function readOnce(clients: Clients, terminalId: string): Promise<string> {
  const lines = kept.get(clients) ?? new Map<string, Promise<string>>();
  kept.set(clients, lines);
  const known = lines.get(terminalId);
  if (known) {
    return known;
  }
  if (lines.size >= KEPT_MAX) {
    lines.clear();
  }
  const reading = read(clients, terminalId);
  lines.set(terminalId, reading);
  return reading;
}

async function read({ terminals }: Clients, terminalId: string): Promise<string> {
  const { terminal } = await terminals.getTerminal({ terminalId });
  const end = terminal?.outputEnd ?? 0n;
  const offset = end > TAIL_BYTES ? end - BigInt(TAIL_BYTES) : 0n;
  if (end === 0n) {
    return "";
  }
  const { data } = await terminals.readOutput({ terminalId, offset, length: TAIL_BYTES });
  const text = new LogText();
  text.push(data);
  return text.text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
