// Keeps the end of a conversation in sight while somebody is there, and the place where they read when they are not.
// It must not know what is scrolled.

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** So near to the end counts as there. */
const NEAR_PX = 48;

export interface Stick {
  /** The end is out of sight. */
  readonly away: boolean;
  toEnd(smooth: boolean): void;
}

/** `firstKey` changes when something is put before what is shown. */
export function useStick(
  box: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  firstKey: string,
): Stick {
  const stuck = useRef(true);
  const lastTop = useRef(0);
  const fromEnd = useRef(0);
  const [away, setAway] = useState(false);

  const toEnd = useCallback(
    (smooth: boolean) => {
      stuck.current = true;
      setAway(false);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      box.current?.scrollTo({
        top: box.current.scrollHeight,
        behavior: smooth && !calm ? "smooth" : "instant",
      });
    },
    [box],
  );

  useEffect(() => {
    const element = box.current;
    const inner = content.current;
    if (!element || !inner) {
      return;
    }
    let heights = "";
    const restOf = () => element.scrollHeight - element.scrollTop - element.clientHeight;
    const grown = () => {
      heights = `${element.scrollHeight} ${element.clientHeight}`;
      if (stuck.current) {
        element.scrollTop = element.scrollHeight;
      }
      stuck.current = stuck.current || restOf() <= NEAR_PX;
      fromEnd.current = element.scrollHeight - element.scrollTop;
      lastTop.current = element.scrollTop;
      setAway(!stuck.current);
    };
    const scrolled = () => {
      // What became smaller scrolls by itself: only a person scrolls where nothing else has changed.
      if (heights !== `${element.scrollHeight} ${element.clientHeight}`) {
        grown();
        return;
      }
      if (restOf() <= NEAR_PX) {
        stuck.current = true;
      } else if (element.scrollTop < lastTop.current) {
        stuck.current = false;
      }
      lastTop.current = element.scrollTop;
      fromEnd.current = element.scrollHeight - element.scrollTop;
      setAway(!stuck.current);
    };
    const observer = new ResizeObserver(grown);
    observer.observe(element);
    observer.observe(inner);
    element.addEventListener("scroll", scrolled, { passive: true });
    grown();
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", scrolled);
    };
  }, [box, content]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: when the first message is another one
  useLayoutEffect(() => {
    const element = box.current;
    if (element && !stuck.current) {
      element.scrollTop = element.scrollHeight - fromEnd.current;
    }
  }, [firstKey, box]);

  return { away, toEnd };
}
