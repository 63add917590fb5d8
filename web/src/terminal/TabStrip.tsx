// The row of tabs: shows one, moves them, by mouse and by keyboard. It must not know what a tab looks like inside.

import { useEffect, useRef, useState } from "react";
import { TabItem } from "./TabItem.tsx";
import styles from "./TabStrip.module.css";
import type { TabDeeds } from "./tab-deeds.ts";
import { move, show, step, type Tabs } from "./tabs.ts";

export function TabStrip({ tabs, deeds }: { tabs: Tabs; deeds: TabDeeds }) {
  const strip = useRef<HTMLDivElement>(null);
  const [dragged, setDragged] = useState<number>();
  const [over, setOver] = useState<number>();
  const { active } = tabs;

  // The shown tab is in sight, however it came to be shown, and also when its title makes it wider.
  useEffect(() => {
    const shown = strip.current?.querySelector(`[data-tab="${active}"]`);
    if (!shown) {
      return;
    }
    const observer = new ResizeObserver(() => shown.scrollIntoView({ block: "nearest", inline: "nearest" }));
    observer.observe(shown);
    return () => observer.disconnect();
  }, [active]);

  useFocusKept(strip, active, tabs.tabs.length);

  const keys = (event: React.KeyboardEvent) => {
    if (
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      !(event.target as HTMLElement).matches('[role="tab"]')
    ) {
      return;
    }
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key] as 1 | -1 | undefined;
    const end = { Home: 0, End: tabs.tabs.length - 1 }[event.key];
    if (by !== undefined || end !== undefined) {
      event.preventDefault();
      deeds.step((state) => (by === undefined ? show(state, end ?? 0) : step(state, by)));
    }
  };
  const drop = () => {
    if (dragged !== undefined && over !== undefined) {
      deeds.step((state) => move(state, dragged, over));
    }
    setDragged(undefined);
    setOver(undefined);
  };

  return (
    <div
      ref={strip}
      className={styles.strip}
      role="tablist"
      aria-label="Open terminals"
      aria-orientation="horizontal"
      onKeyDown={keys}
    >
      {tabs.tabs.map((tab, index) => (
        <TabItem
          key={tab.panes[0]}
          tab={tab}
          index={index}
          shown={index === active}
          count={tabs.tabs.length}
          deeds={deeds}
          drag={{
            state:
              dragged === index
                ? "dragged"
                : over === index
                  ? index > (dragged ?? 0)
                    ? "after"
                    : "before"
                  : undefined,
            start: () => setDragged(index),
            enter: () => dragged !== undefined && setOver(index),
            end: drop,
            cancel: () => {
              setDragged(undefined);
              setOver(undefined);
            },
          }}
        />
      ))}
    </div>
  );
}

/** Who is among the tabs with the keyboard stays there when another one is shown, or the focused one is closed. */
function useFocusKept(strip: React.RefObject<HTMLElement | null>, active: number, count: number): void {
  const within = useRef(false);
  useEffect(() => {
    // What is removed under the focus says nothing.
    const moved = (event: FocusEvent) => {
      within.current = event.target instanceof Node && strip.current?.contains(event.target) === true;
    };
    document.addEventListener("focusin", moved);
    return () => document.removeEventListener("focusin", moved);
  }, [strip]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: these two say that another tab may be shown.
  useEffect(() => {
    if (within.current) {
      strip.current?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
    }
  }, [strip, active, count]);
}
