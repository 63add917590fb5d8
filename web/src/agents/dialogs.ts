// Which dialog of the agents is open; they are there once in the page. It must not know what is in them.

import { create } from "zustand";
import type { SpawnForm } from "./spawn-form.ts";

/** What is to be ended: an agent and its job, or a job that waits. */
export interface KillTarget {
  name: string;
  jobId: string;
  /** Absent: the job has no agent now and is cancelled. */
  agentId?: string;
}

interface Dialogs {
  /** The form begins with these. */
  spawn?: Partial<SpawnForm>;
  kill?: KillTarget;
  killAll: boolean;
  pause: boolean;
}

export const useDialogs = create<Dialogs>(() => ({ killAll: false, pause: false }));

export function openSpawn(first: Partial<SpawnForm> = {}): void {
  useDialogs.setState({ spawn: first });
}

export function openKill(kill: KillTarget): void {
  useDialogs.setState({ kill });
}

export function openKillAll(): void {
  useDialogs.setState({ killAll: true });
}

export function openPause(): void {
  useDialogs.setState({ pause: true });
}
