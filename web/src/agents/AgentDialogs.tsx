// The dialogs of the agents, once in the page, and their commands in the palette. It must not know who opens them.

import { OctagonX, Pause, Play, Plus } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useCommand } from "../layout/commands.ts";
import { useDeeds, useMay } from "./deeds.ts";
import { openKillAll, openPause, openSpawn, useDialogs } from "./dialogs.ts";
import { useQueue } from "./live.ts";

// Each is loaded when it opens first.
const SpawnDialog = lazy(async () => ({ default: (await import("./SpawnDialog.tsx")).SpawnDialog }));
const KillDialog = lazy(async () => ({ default: (await import("./KillDialog.tsx")).KillDialog }));
const KillAllDialog = lazy(async () => ({ default: (await import("./KillAllDialog.tsx")).KillAllDialog }));
const PauseDialog = lazy(async () => ({ default: (await import("./PauseDialog.tsx")).PauseDialog }));

export function AgentDialogs() {
  const { spawn, kill, killAll, pause } = useDialogs();
  const spawned = useLast(spawn);
  const killed = useLast(kill);
  const rounds = { killAll: useRound(killAll), pause: useRound(pause), kill: useRound(kill !== undefined) };
  useAgentCommands();
  return (
    <Suspense fallback={null}>
      {spawned && (
        <SpawnDialog
          open={spawn !== undefined}
          first={spawned}
          onOpenChange={(open) => !open && useDialogs.setState({ spawn: undefined })}
        />
      )}
      {killed && (
        <KillDialog
          key={`kill ${rounds.kill}`}
          target={killed}
          open={kill !== undefined}
          onClose={() => useDialogs.setState({ kill: undefined })}
        />
      )}
      {rounds.killAll > 0 && (
        <KillAllDialog
          key={`all ${rounds.killAll}`}
          open={killAll}
          onClose={() => useDialogs.setState({ killAll: false })}
        />
      )}
      {rounds.pause > 0 && (
        <PauseDialog
          key={`pause ${rounds.pause}`}
          open={pause}
          onClose={() => useDialogs.setState({ pause: false })}
        />
      )}
    </Suspense>
  );
}

/** What it was last: a dialog that closes keeps its words until it is gone. */
function useLast<T>(value: T | undefined): T | undefined {
  const [last, setLast] = useState(value);
  if (value !== undefined && value !== last) {
    setLast(value);
  }
  return value ?? last;
}

/** Grows each time it opens: each time its fields are empty. */
function useRound(open: boolean): number {
  const [state, setState] = useState({ open: false, round: 0 });
  if (open !== state.open) {
    setState({ open, round: state.round + (open ? 1 : 0) });
  }
  return state.round;
}

function useAgentCommands(): void {
  const may = useMay();
  const deeds = useDeeds();
  const queue = useQueue(false);
  useCommand(
    may.act
      ? {
          id: "agents.spawn",
          title: "Spawn an agent",
          section: "Agents",
          icon: Plus,
          keywords: "new job run command",
          run: () => openSpawn(),
        }
      : undefined,
  );
  useCommand(
    may.act
      ? queue?.paused
        ? {
            id: "agents.resume",
            title: "Resume the queue",
            section: "Agents",
            icon: Play,
            run: () => void deeds.resume(),
          }
        : { id: "agents.pause", title: "Pause the queue", section: "Agents", icon: Pause, run: openPause }
      : undefined,
  );
  useCommand(
    may.killAll
      ? {
          id: "agents.killAll",
          title: "Kill all agents",
          section: "Agents",
          icon: OctagonX,
          run: openKillAll,
        }
      : undefined,
  );
}
