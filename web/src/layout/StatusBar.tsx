// The line at the bottom: how the connection is, whose workspace this is, what runs. It must not know the views.

import { Bot, Eye, ListTodo, Pause, SquareTerminal } from "lucide-react";
import type { ReactNode } from "react";
import { Terminal_State } from "../api/gen/mosaic/terminal/v1/terminal_pb.ts";
import { Button, Tooltip } from "../ui/index.ts";
import { useHub, useRole, useWorkspace } from "../workspace/hooks.tsx";
import { roleName } from "./roles.ts";
import styles from "./StatusBar.module.css";
import { useConnectionWords } from "./useConnectionWords.ts";
import { useView } from "./view.ts";

export function StatusBar() {
  return (
    <footer className={styles.bar}>
      <ConnectionState />
      <Whose />
      <span className={styles.space} />
      <Terminals />
      <Agents />
      <Queue />
    </footer>
  );
}

/** A dot and words; the words say it all. */
export function ConnectionState({ short }: { short?: boolean }) {
  const hub = useHub();
  const { tone, label, retryIn } = useConnectionWords();
  return (
    <span className={styles.item} data-connection={tone}>
      <span className={styles.dot} data-tone={tone} aria-hidden />
      <span>{label}</span>
      {retryIn !== undefined && !short && (
        <Button size="small" variant="ghost" className={styles.try} onClick={() => hub.wake()}>
          Try now
        </Button>
      )}
    </span>
  );
}

function Whose() {
  const me = useWorkspace((state) => state.me);
  const role = useRole();
  if (!me) return null;
  return (
    <>
      <Item label={`Workspace ${me.workspace?.name ?? ""}`}>{me.workspace?.name}</Item>
      <Item label={`Your role: ${roleName(role)}`}>
        {me.token?.readOnly && <Eye size={12} aria-hidden />}
        {roleName(role)}
      </Item>
    </>
  );
}

function Terminals() {
  const count = useWorkspace(
    (state) => [...state.terminals.values()].filter((each) => each.state === Terminal_State.RUNNING).length,
  );
  const words = `${count} running ${count === 1 ? "terminal" : "terminals"}`;
  return (
    <Tooltip text={words} side="top">
      <button type="button" className={styles.button} aria-label={words} onClick={toggleTerminals}>
        <SquareTerminal size={12} aria-hidden />
        {count}
      </button>
    </Tooltip>
  );
}

function toggleTerminals() {
  const { panel, setPanel } = useView.getState();
  setPanel(panel === "closed" ? "open" : "closed");
}

function Agents() {
  const queue = useWorkspace((state) => state.queue);
  if (!queue) return null;
  // What is seen is in it, word for word: who speaks to the computer says what they see.
  const words = `${queue.running}/${queue.runningMax} agents running`;
  return (
    <Tooltip text={words} side="top">
      <button type="button" className={styles.button} aria-label={words} onClick={toggleAgents}>
        <Bot size={12} aria-hidden />
        {queue.running}/{queue.runningMax}
      </button>
    </Tooltip>
  );
}

function toggleAgents() {
  const { rightPanel, setRightPanel } = useView.getState();
  setRightPanel(rightPanel === "closed" ? "open" : "closed");
}

function Queue() {
  const queue = useWorkspace((state) => state.queue);
  if (!queue) return null;
  const waiting = queue.ready + queue.blocked + queue.backingOff;
  if (queue.paused) {
    return (
      <Item label={`The queue is paused${queue.pauseReason ? `: ${queue.pauseReason}` : ""}`}>
        <span className={styles.paused}>
          <Pause size={12} aria-hidden />
          Queue paused{waiting > 0 && `, ${waiting} waiting`}
        </span>
      </Item>
    );
  }
  const words = `${waiting} queued: ${queue.ready} ready, ${queue.blocked} blocked, ${queue.backingOff} backing off`;
  return (
    <Item label={words}>
      <ListTodo size={12} aria-hidden />
      {waiting} queued
    </Item>
  );
}

/** A short text whose whole meaning is in the tooltip and in the label. */
function Item({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className={styles.item} title={label}>
      {children}
    </span>
  );
}
