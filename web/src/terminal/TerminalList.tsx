// All terminals of the workspace that are in no tab: running ones, agents', and ended ones with their logs.
//
// It must not know xterm.

import { Popover } from "@base-ui/react/popover";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Bot, Columns2, SquareTerminal } from "lucide-react";
import { type ReactElement, useMemo, useState } from "react";
import type { Terminal } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { IconButton, Input, Time } from "../ui/index.ts";
import { useWorkspace } from "../workspace/hooks.tsx";
import styles from "./lists.module.css";
import type { TabDeeds } from "./tab-deeds.ts";
import { find, type Tabs } from "./tabs.ts";
import { commandLine, ending, isLive, plainTitle } from "./words.ts";

/** The newest of each kind; the field above finds the others. */
const SHOWN_MAX = 100;

interface Entry {
  terminal: Terminal;
  agent: string | undefined;
}

export function TerminalList({
  tabs,
  deeds,
  trigger,
}: {
  tabs: Tabs;
  deeds: TabDeeds;
  trigger: ReactElement;
}) {
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger render={trigger} />
      <Popover.Portal>
        <Popover.Positioner className={styles.positioner} side="top" align="end" sideOffset={6}>
          <Popover.Popup className={styles.popup} aria-label="All terminals">
            <Entries
              tabs={tabs}
              onOpen={(terminalId, beside) => {
                setOpen(false);
                deeds.open(terminalId, beside);
              }}
            />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Entries({ tabs, onOpen }: { tabs: Tabs; onOpen: (terminalId: string, beside: boolean) => void }) {
  const terminals = useWorkspace((state) => state.terminals);
  const agents = useWorkspace((state) => state.agents);
  const [query, setQuery] = useState("");
  const entries = useMemo(() => {
    const names = new Map([...agents.values()].map((agent) => [agent.terminalId, agent.name]));
    return [...terminals.values()]
      .filter(({ id }) => find(tabs, id) === undefined)
      .map((terminal): Entry => ({ terminal, agent: names.get(terminal.id) }))
      .filter((entry) => matches(entry, query.trim().toLowerCase()))
      .sort((a, b) => whenOf(b) - whenOf(a));
  }, [terminals, agents, tabs, query]);
  const live = entries.filter(({ terminal }) => isLive(terminal));
  const groups: [string, Entry[]][] = [
    ["Running", live.filter(({ agent }) => agent === undefined)],
    ["Agents", live.filter(({ agent }) => agent !== undefined)],
    ["Ended", entries.filter(({ terminal }) => !isLive(terminal))],
  ];
  return (
    <>
      <div className={styles.search}>
        <Input
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          placeholder="Find a terminal"
          aria-label="Find a terminal"
          spellCheck={false}
        />
      </div>
      <div className={styles.groups}>
        {entries.length === 0 && (
          <p className={styles.none}>
            {query === "" ? "Every terminal of this workspace is in a tab." : "No terminal fits."}
          </p>
        )}
        {groups.map(
          ([title, group]) =>
            group.length > 0 && <Group key={title} title={title} entries={group} onOpen={onOpen} />,
        )}
      </div>
    </>
  );
}

interface GroupProps {
  title: string;
  entries: Entry[];
  onOpen: (terminalId: string, beside: boolean) => void;
}

function Group({ title, entries, onOpen }: GroupProps) {
  return (
    <section aria-label={title}>
      <h3 className={styles.heading}>
        {title} <span className={styles.count}>{entries.length}</span>
      </h3>
      <ul className={styles.entries}>
        {entries.slice(0, SHOWN_MAX).map(({ terminal, agent }) => {
          const end = ending(terminal);
          const at = terminal.endTime ?? terminal.createTime;
          const Icon = agent === undefined ? SquareTerminal : Bot;
          return (
            <li key={terminal.id} className={styles.entry}>
              <button type="button" className={styles.open} onClick={() => onOpen(terminal.id, false)}>
                <Icon size={14} className={styles.icon} data-tone={end?.tone} aria-hidden="true" />
                <span className={styles.who}>{agent ?? terminal.name}</span>
                <span className={styles.detail}>
                  {end?.text ?? (plainTitle(terminal.title) || commandLine(terminal.command))}
                </span>
                <span className={styles.when}>{at && <Time at={at} relative />}</span>
              </button>
              <IconButton
                size="small"
                icon={Columns2}
                label={`Open ${agent ?? terminal.name} beside`}
                onClick={() => onOpen(terminal.id, true)}
              />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Newest first: by the end of those that have ended, by the beginning of the others. */
function whenOf({ terminal }: Entry): number {
  const at = terminal.endTime ?? terminal.createTime;
  return at === undefined ? 0 : timestampMs(at);
}

function matches({ terminal, agent }: Entry, query: string): boolean {
  const text = `${terminal.name} ${agent ?? ""} ${terminal.title} ${commandLine(terminal.command)}`;
  return text.toLowerCase().includes(query);
}
