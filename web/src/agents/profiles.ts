// The profiles that agents are spawned with, asked for once and again whenever the form opens. It must not know the form.

import { useEffect, useState } from "react";
import type { Clients } from "../api/clients.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import { type Profile, Profile_Kind } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useClients } from "../workspace/hooks.tsx";

export interface Profiles {
  profiles: readonly Profile[];
  byName: ReadonlyMap<string, Profile>;
  /** The one of requests that name none. */
  first: string;
  failure?: Failure;
}

const NONE: Profiles = { profiles: [], byName: new Map(), first: "" };

const asked = new WeakMap<Clients, Promise<Profiles>>();

async function ask(clients: Clients): Promise<Profiles> {
  try {
    const { profiles, defaultProfile } = await clients.agents.listProfiles({});
    return { profiles, byName: new Map(profiles.map((one) => [one.name, one])), first: defaultProfile };
  } catch (error) {
    asked.delete(clients);
    return { ...NONE, failure: failureOf(error) };
  }
}

/** `fresh`: whether a profile can be used changes, so the form asks anew. */
export function useProfiles(fresh = false): Profiles | undefined {
  const clients = useClients();
  const [profiles, setProfiles] = useState<Profiles>();
  useEffect(() => {
    let left = false;
    const promise = (!fresh && asked.get(clients)) || ask(clients);
    asked.set(clients, promise);
    void promise.then((found) => !left && setProfiles(found));
    return () => {
      left = true;
    };
  }, [clients, fresh]);
  return profiles;
}

/** True if its prompt is a command line. */
export function isCommandLine(profiles: Profiles | undefined, name: string): boolean {
  const kind = profiles?.byName.get(name)?.kind;
  return kind === undefined ? name === "shell" : kind === Profile_Kind.SHELL;
}
