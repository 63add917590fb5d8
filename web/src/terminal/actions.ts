// What people do with terminals, as calls to the server with words for what can go wrong.
//
// It must not know tabs or xterm.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { useMemo } from "react";
import type { Clients } from "../api/clients.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import type { CreateTerminalRequestSchema, Terminal } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { uuidv7 } from "../api/uuid.ts";
import { toast, useConfirm } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import { usePool } from "./hooks.ts";
import type { Size } from "./size.ts";
import { isLive, isShell, sentence } from "./words.ts";

export type NewTerminal = Pick<
  MessageInitShape<typeof CreateTerminalRequestSchema>,
  "name" | "shell" | "command" | "cwd"
>;

export interface TerminalActions {
  /** Answers the terminal, or why there is none. */
  create(what: NewTerminal): Promise<Terminal | Failure>;
  /** Answers undefined when it failed and the person was told. */
  restart(terminal: Terminal): Promise<Terminal | undefined>;
  rename(terminal: Terminal, name: string): Promise<boolean>;
  /** Ends what runs in it, after asking if something does. True: it has ended. */
  end(terminal: Terminal): Promise<boolean>;
}

type Ask = ReturnType<typeof useConfirm>;

export function useTerminalActions(): TerminalActions {
  const clients = useClients();
  const confirm = useConfirm();
  const pool = usePool();
  return useMemo(() => makeActions(clients, confirm, () => pool.lastSize), [clients, confirm, pool]);
}

function makeActions({ terminals }: Clients, confirm: Ask, size: () => Size | undefined): TerminalActions {
  const create = async (what: MessageInitShape<typeof CreateTerminalRequestSchema>) => {
    try {
      const request = { ...what, ...size(), requestId: uuidv7() };
      const { terminal } = await terminals.createTerminal(request);
      return terminal ?? failureOf(new Error("the server gave no terminal"));
    } catch (error) {
      return failureOf(error);
    }
  };
  return {
    create,
    restart: async ({ name, command, cwd, idleTimeout, timeLimit }) => {
      const same = { command, cwd, idleTimeout, timeLimit };
      const named = await create({ ...same, name });
      // Somebody may have taken its name since.
      const made = isFailure(named) && named.reason === "NAME_TAKEN" ? await create(same) : named;
      if (isFailure(made)) {
        tellNotCreated(made);
        return undefined;
      }
      return made;
    },
    rename: async ({ id, name: before }, name) => {
      if (name === before) {
        return true;
      }
      try {
        await terminals.updateTerminal({ terminalId: id, name });
        return true;
      } catch (error) {
        tell(`${before} keeps its name`, sentence(failureOf(error).message));
        return false;
      }
    },
    end: async (terminal) => {
      if (!isLive(terminal)) {
        return true;
      }
      const idle = isShell(terminal) && (await atPrompt(terminals, terminal));
      const text = `${isShell(terminal) ? "A program" : terminal.command[0]} is still running in it. Closing ends it, and everything that it started.`;
      const ask = { title: `Close ${terminal.name}?`, text, confirm: "Close terminal", danger: true };
      if (!idle && !(await confirm(ask))) {
        return false;
      }
      try {
        const { proven, survivors } = await terminals.closeTerminal({ terminalId: terminal.id });
        if (!proven && survivors.length > 0) {
          const names = survivors.map(({ command, pid }) => `${command} (${pid})`).join(", ");
          toast({ title: `${terminal.name} is closed, but something may be left`, text: names, tone: "bad" });
        }
        return true;
      } catch (error) {
        tell(`${terminal.name} is not closed`, sentence(failureOf(error).message));
        return false;
      }
    },
  };
}

export function isFailure(made: Terminal | Failure): made is Failure {
  return "retryable" in made;
}

/** The server's words, and where to go when there are too many. */
export function tellNotCreated({ message, reason }: Failure): void {
  const hint = reason === "TERMINAL_QUOTA" ? "The list of all terminals shows those that run." : "";
  tell("No new terminal", sentence(message, hint));
}

function tell(title: string, text: string): void {
  toast({ title, text, tone: "bad" });
}

/**
 * True if the shell itself is what reads the keyboard: its process group is in the foreground. A program that is
 * told of a new window size and has not asked for it notices nothing.
 */
async function atPrompt(terminals: Clients["terminals"], { id, pid }: Terminal): Promise<boolean> {
  try {
    const { processGroup } = await terminals.sendSignal({ terminalId: id, signal: "WINCH" });
    return processGroup === pid;
  } catch {
    return false;
  }
}
