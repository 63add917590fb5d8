// Short messages at the corner that go by themselves: asking for one. They must not know what they tell of.

import { lazy, Suspense } from "react";
import { create } from "zustand";

export interface ToastOptions {
  title: string;
  text?: string;
  tone?: "info" | "good" | "bad";
  action?: { label: string; onSelect(): void };
}

/** What waits until the messages' own code is there; most visits never need it. */
const WAITING_MAX = 8;

interface Asked {
  ever: boolean;
  waiting: readonly ToastOptions[];
}

export const useAsked = create<Asked>(() => ({ ever: false, waiting: [] }));

const Toasts = lazy(async () => ({ default: (await import("./Toasts.tsx")).Toasts }));

/** The same words again do not pile up: they are shown anew. */
export function toast(options: ToastOptions): void {
  useAsked.setState(({ waiting }) => ({ ever: true, waiting: [...waiting, options].slice(-WAITING_MAX) }));
}

/** Where they are shown: once in the page, in UiProvider. */
export function ToastHost() {
  const ever = useAsked(({ ever }) => ever);
  return ever ? (
    <Suspense fallback={null}>
      <Toasts />
    </Suspense>
  ) : null;
}
