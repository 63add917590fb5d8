// The models that may answer, read when somebody wants to see them and again while they are looked at.
// It must not know where one is chosen.

import { useCallback, useEffect } from "react";
import { useStore } from "zustand";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clients } from "../api/clients.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import { type Model, Model_Availability } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { useClients } from "../workspace/hooks.tsx";

export interface ModelsState {
  readonly models: readonly Model[];
  readonly asked: boolean;
  readonly problem?: Failure;
}

const ofClients = new WeakMap<Clients, StoreApi<ModelsState>>();
/** How often it is asked again while somebody looks. */
const AGAIN_MS = 5000;
/** One asks for all who show a model. */
const asking = new WeakMap<Clients, number>();

function storeOf(clients: Clients): StoreApi<ModelsState> {
  const known = ofClients.get(clients);
  const store = known ?? createStore<ModelsState>(() => ({ models: [], asked: false }));
  ofClients.set(clients, store);
  return store;
}

/** The models; `looking` asks now and again, else they are asked for once. */
export function useModels(looking: boolean): ModelsState & { reload: () => void } {
  const clients = useClients();
  const store = storeOf(clients);
  const state = useStore(store);
  const reload = useCallback(() => {
    clients.chat.listModels({}).then(
      ({ models }) => store.setState({ models, asked: true, problem: undefined }),
      (error: unknown) => store.setState({ asked: true, problem: failureOf(error) }),
    );
  }, [clients, store]);
  useEffect(() => {
    if (!looking) {
      if (!store.getState().asked) {
        reload();
      }
      return;
    }
    reload();
    const timer = setInterval(reload, AGAIN_MS);
    return () => clearInterval(timer);
  }, [looking, reload, store]);
  return { ...state, reload };
}

/** Asks again while the shown model is not ready and the page is looked at. */
export function useUntilReady(model: Model | undefined): void {
  const clients = useClients();
  const { reload } = useModels(false);
  const wanted = model !== undefined && !isReady(model);
  useEffect(() => {
    if (!wanted) {
      return;
    }
    const timer = setInterval(() => {
      const last = asking.get(clients) ?? 0;
      if (document.visibilityState === "visible" && Date.now() - last >= AGAIN_MS / 2) {
        asking.set(clients, Date.now());
        reload();
      }
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [wanted, clients, reload]);
}

/** The model of a name; of none, the default. */
export function modelOf(models: readonly Model[], name: string): Model | undefined {
  return name === "" ? models.find((model) => model.isDefault) : models.find((model) => model.name === name);
}

export function isReady(model: Model): boolean {
  return model.availability === Model_Availability.READY;
}
