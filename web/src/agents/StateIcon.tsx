// Icons of states and things, and a state as icon and word in its tone. It must not know what is in that state.

import {
  AlarmClockOff,
  Circle,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleOff,
  CircleQuestionMark,
  CircleSlash,
  CircleStop,
  CircleX,
  Coins,
  LoaderCircle,
  type LucideIcon,
  MessageSquare,
  RotateCw,
  SquareTerminal,
  Unplug,
} from "lucide-react";
import { cx } from "../ui/index.ts";
import styles from "./StateIcon.module.css";
import type { IconName, StateWords, Tone } from "./words.ts";

const ICONS: Readonly<Record<IconName, LucideIcon>> = {
  waiting: CircleDashed,
  starting: LoaderCircle,
  running: CircleDot,
  asks: CircleQuestionMark,
  again: RotateCw,
  stopping: CircleStop,
  done: CircleCheck,
  failed: CircleX,
  cancelled: CircleSlash,
  timeout: AlarmClockOff,
  budget: Coins,
  unreachable: Unplug,
  lost: CircleOff,
  terminal: SquareTerminal,
  chat: MessageSquare,
  other: Circle,
};

interface StateIconProps {
  icon: IconName;
  tone: Tone;
  size?: number;
}

/** Only beside words that say the same. */
export function StateIcon({ icon, tone, size = 16 }: StateIconProps) {
  const Icon = ICONS[icon];
  const moves = icon === "running" ? styles.pulse : icon === "starting" ? styles.turn : undefined;
  return (
    <span className={cx(styles.icon, styles[tone], moves)} aria-hidden>
      <Icon size={size} strokeWidth={2} />
    </span>
  );
}

export function StateLabel({ state, size = 14 }: { state: StateWords; size?: number }) {
  return (
    <span className={cx(styles.label, styles[state.tone])}>
      <StateIcon icon={state.icon} tone={state.tone} size={size} />
      {state.word}
    </span>
  );
}

/** The word alone, where the icon stands elsewhere in the row. */
export function StateWord({ state }: { state: StateWords }) {
  return <span className={cx(styles.word, styles[state.tone])}>{state.word}</span>;
}
