// What events do not bring: the last lines of running agents, and how the queue is. One poll of each for the whole
// page, however many look. It must not know what is shown.

import { useEffect, useState, useSyncExternalStore } from "react";
import type { Clients } from "../api/clients.ts";
import { Agent_State, type Queue } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { useClients, useWorkspace } from "../workspace/hooks.tsx";
import { Poll } from "./poll.ts";
import type { Lines } from "./rows.ts";

const LINES_MS = 2_000;
const QUEUE_MS = 10_000;
const AGENTS_MAX = 200;
const ALIVE = [Agent_State.STARTING, Agent_State.RUNNING, Agent_State.INPUT_REQUIRED, Agent_State.STOPPING];

interface Live {
  lines: Poll<Lines>;
  queue: Poll<Queue | undefined>;
}

const lives = new WeakMap<Clients, Live>();

function liveOf(clients: Clients): Live {
  const known = lives.get(clients);
  if (known) {
    return known;
  }
  const isVisible = () => document.visibilityState !== "hidden";
  const live: Live = {
    lines: new Poll<Lines>({
      first: new Map(),
      everyMs: LINES_MS,
      isVisible,
      async ask() {
        const { agents } = await clients.agents.listAgents({ pageSize: AGENTS_MAX, states: ALIVE });
        return new Map(
          agents.map(({ id, lastLine, tokensUsed }) => [id, { line: lastLine, tokens: tokensUsed }]),
        );
      },
    }),
    queue: new Poll<Queue | undefined>({
      first: undefined,
      everyMs: QUEUE_MS,
      isVisible,
      ask: async () => (await clients.agents.getQueue({})).queue,
    }),
  };
  lives.set(clients, live);
  return live;
}

const never = () => () => {};

/** The last lines of all agents that run, fresh while `active`. */
export function useLines(active: boolean): Lines {
  const { lines } = liveOf(useClients());
  return useSyncExternalStore(active ? lines.subscribe : never, lines.get);
}

/** The queue: after each event of a job, and fresh while `active`, for nothing tells of a pause or of time. */
export function useQueue(active: boolean): Queue | undefined {
  const { queue } = liveOf(useClients());
  const told = useWorkspace((state) => state.queue);
  const asked = useSyncExternalStore(active ? queue.subscribe : never, queue.get);
  // Whichever came last is right.
  useEffect(() => {
    if (told) {
      queue.put(told);
    }
  }, [told, queue]);
  return asked ?? told;
}

/** A function that takes the answer of PauseQueue or ResumeQueue. */
export function useQueueAnswer(): (answer: Queue | undefined) => void {
  const { queue } = liveOf(useClients());
  return (answer) => queue.put(answer);
}

/** True while an element is on the screen: nothing is asked for what nobody sees. */
export function useOnScreen(): [
  ref: (element: Element | null) => void,
  onScreen: boolean,
  element: Element | null,
] {
  const [element, setElement] = useState<Element | null>(null);
  const [onScreen, setOnScreen] = useState(false);
  useEffect(() => {
    if (!element) {
      return;
    }
    const observer = new IntersectionObserver((entries) => {
      setOnScreen(entries.some((entry) => entry.isIntersecting));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, onScreen, element];
}
