// A long list of which only what is seen is in the page, walked with the arrow keys. It must not know what its items are.

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import styles from "./VirtualList.module.css";

interface VirtualListProps<T> {
  /** What the list is, for screen readers. */
  label: string;
  items: readonly T[];
  keyOf(item: T): string;
  /** Pixels; what is drawn is measured. */
  heightOf(item: T): number;
  /** False: arrow keys pass over it, as over a heading. */
  isStop?(item: T): boolean;
  /** One element in it carries `data-stop` and the `tabIndex`. */
  children(item: T, tabIndex: 0 | -1): ReactNode;
  onKey?(event: KeyboardEvent, item: T): void;
  /** Brings this one onto the screen when it changes. */
  shownKey?: string;
}

export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, keyOf, heightOf, isStop = () => true, children, onKey, shownKey } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [activeKey, setActiveKey] = useState<string>();
  const wantsFocus = useRef(false);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (items[index] === undefined ? 0 : heightOf(items[index])),
    getItemKey: (index) => (items[index] === undefined ? index : keyOf(items[index])),
    overscan: 8,
  });

  const stops = items.flatMap((item, index) => (isStop(item) ? [index] : []));
  const active =
    stops.find((index) => items[index] !== undefined && keyOf(items[index]) === activeKey) ?? stops[0];

  useEffect(() => {
    if (wantsFocus.current && active !== undefined) {
      const stop = scroller.current?.querySelector<HTMLElement>(`[data-index="${active}"] [data-stop]`);
      if (stop) {
        wantsFocus.current = false;
        stop.focus({ preventScroll: true });
      }
    }
  });

  const shown = shownKey === undefined ? -1 : items.findIndex((item) => keyOf(item) === shownKey);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when another one is shown, not whenever the list changes
  useEffect(() => {
    if (shownKey !== undefined && shown >= 0) {
      setActiveKey(shownKey);
      virtual.scrollToIndex(shown, { align: "auto" });
    }
  }, [shownKey]);

  const go = (to: number) => {
    const index = stops[Math.max(0, Math.min(stops.length - 1, to))];
    const item = index === undefined ? undefined : items[index];
    if (index !== undefined && item !== undefined) {
      wantsFocus.current = true;
      virtual.scrollToIndex(index, { align: "auto" });
      setActiveKey(keyOf(item));
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const at = active === undefined ? -1 : stops.indexOf(active);
    const step = STEPS[event.key];
    const onStop = event.target instanceof HTMLElement && event.target.dataset.stop !== undefined;
    if (step && onStop && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      go(step(at, stops.length));
    } else if (active !== undefined && items[active] !== undefined && onStop) {
      onKey?.(event, items[active]);
    }
  };

  return (
    <div ref={scroller} className={styles.scroller}>
      <ul
        aria-label={props.label}
        className={styles.list}
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={onKeyDown}
      >
        {virtual.getVirtualItems().map(({ index, key, start }) => {
          const item = items[index];
          return item === undefined ? null : (
            <li
              key={key}
              ref={virtual.measureElement}
              aria-posinset={index + 1}
              aria-setsize={items.length}
              data-index={index}
              className={styles.item}
              style={{ transform: `translateY(${start}px)` }}
              onFocus={() => isStop(item) && setActiveKey(keyOf(item))}
            >
              {children(item, index === active ? 0 : -1)}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const PAGE = 8;

const STEPS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + PAGE,
  PageUp: (at) => at - PAGE,
  Home: () => 0,
  End: (_, count) => count - 1,
};
