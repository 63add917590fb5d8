// Whether somebody sees the card of a job now: whoever does need not be told of it. It must not know who tells.

import { useEffect } from "react";

/** How far within its edges a card is looked for, in pixels. */
const EDGE = 8;

const cards = new Map<string, Set<Element>>();

/** True while a card of the job is on the screen, with nothing over it. */
export function hasCardInSight(jobId: string): boolean {
  return [...(cards.get(jobId) ?? [])].some(isInSight);
}

export function useInSight(jobId: string, card: Element | null): void {
  useEffect(() => {
    if (!card || jobId === "") {
      return;
    }
    const of = cards.get(jobId) ?? new Set();
    cards.set(jobId, of.add(card));
    return () => {
      if (of.delete(card) && of.size === 0) {
        cards.delete(jobId);
      }
    };
  }, [jobId, card]);
}

/** Asked at the moment that counts: an observer would be a frame late. */
function isInSight(card: Element): boolean {
  const { left, right, top, bottom } = card.getBoundingClientRect();
  return [top + EDGE, (top + bottom) / 2, bottom - EDGE].some((y) => {
    const there = document.elementFromPoint((left + right) / 2, y);
    return there !== null && card.contains(there);
  });
}
