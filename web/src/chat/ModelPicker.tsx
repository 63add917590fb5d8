// Chooses a model: what each can do, whether it can be reached, and what to do if not.
// It must not know what the choice is for.

import { Popover } from "@base-ui/react/popover";
import { Check, ChevronDown } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { type Model, Model_Availability } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { FailureNote, Spinner } from "../ui/index.ts";
import { count } from "./format.ts";
import styles from "./ModelPicker.module.css";
import { isReady, modelOf, useModels, useUntilReady } from "./models.ts";

interface ModelPickerProps {
  /** "" is the default. */
  value: string;
  onChange: (name: string) => void;
  disabled?: boolean;
  side?: "top" | "bottom";
}

/** So many models get a field to search them. */
const SEARCH_FROM = 9;

export function ModelPicker({ value, onChange, disabled, side = "top" }: ModelPickerProps) {
  const [open, setOpen] = useState(false);
  const { models } = useModels(false);
  const model = modelOf(models, value);
  useUntilReady(model);
  const name = value || model?.name || "Default model";
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        className={styles.trigger}
        disabled={disabled}
        aria-label={`Model: ${name}`}
        data-problem={model !== undefined && !isReady(model)}
      >
        <span>{name}</span>
        <ChevronDown size={14} aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className={styles.positioner} side={side} align="start" sideOffset={6}>
          <Popover.Popup className={styles.popup} aria-label="Choose a model">
            <Models
              value={model?.name ?? value}
              onChoose={(chosen) => {
                setOpen(false);
                onChange(chosen);
              }}
            />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Models({ value, onChoose }: { value: string; onChoose: (name: string) => void }) {
  const { models, asked, problem, reload } = useModels(true);
  const [query, setQuery] = useState("");
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const shown = models.filter(({ name }) => name.toLowerCase().includes(query.toLowerCase()));
  const [active, setActive] = useState(value);
  const at = Math.max(
    0,
    shown.findIndex(({ name }) => name === active),
  );
  const searched = models.length >= SEARCH_FROM;
  useEffect(() => {
    list.current?.querySelector('[data-active="true"]')?.scrollIntoView({ block: "nearest" });
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -shown.length, End: shown.length }[event.key];
    const current = shown[at];
    if (step !== undefined) {
      event.preventDefault();
      setActive(shown[Math.min(Math.max(at + step, 0), shown.length - 1)]?.name ?? active);
    } else if (event.key === "Enter" && current) {
      event.preventDefault();
      onChoose(current.name);
    }
  };
  if (problem && models.length === 0) {
    return <FailureNote failure={problem} retry={reload} />;
  }
  if (!asked) {
    return <Spinner />;
  }
  const activeId = shown[at] ? `${id}-${at}` : undefined;
  return (
    <>
      {searched && (
        <input
          className={styles.search}
          type="search"
          placeholder="Search models"
          aria-label="Search models"
          aria-controls={id}
          aria-activedescendant={activeId}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={onKeyDown}
        />
      )}
      <div
        ref={list}
        id={id}
        role="listbox"
        aria-label="Models"
        className={styles.list}
        tabIndex={0}
        aria-activedescendant={activeId}
        onKeyDown={onKeyDown}
      >
        {shown.map((model, index) => (
          <Row
            key={model.name}
            id={`${id}-${index}`}
            model={model}
            chosen={model.name === value}
            active={index === at}
            onChoose={() => onChoose(model.name)}
          />
        ))}
      </div>
      {shown.length === 0 && (
        <p className={styles.none}>
          {models.length === 0 ? "The server has no model." : "None is called so."}
        </p>
      )}
    </>
  );
}

interface RowProps {
  id: string;
  model: Model;
  chosen: boolean;
  active: boolean;
  onChoose: () => void;
}

function Row({ id, model, chosen, active, onChoose }: RowProps) {
  const preparing = model.availability === Model_Availability.PREPARING;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its active option
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys
    <div
      id={id}
      role="option"
      aria-selected={chosen}
      className={styles.row}
      data-active={active}
      data-state={isReady(model) ? "ready" : preparing ? "preparing" : "away"}
      onClick={onChoose}
    >
      <span className={styles.name}>
        <i aria-hidden="true" />
        {model.name}
        {chosen && <Check size={14} aria-label="chosen" />}
      </span>
      <span className={styles.facts}>{factsOf(model)}</span>
      {model.problem !== "" && <span className={styles.problem}>{model.problem}</span>}
    </div>
  );
}

function factsOf(model: Model): string {
  const facts = [
    model.isDefault && "default",
    model.candidates.length > 0 && model.candidates.join(", then "),
    model.contextTokens > 0 && `${count(model.contextTokens)} context`,
    model.thinking && "thinks",
    model.images && "sees images",
  ];
  return facts.filter(Boolean).join(" · ");
}
