// Asks before something is done that cannot be undone. It must not know what.

import { AlertDialog as Base } from "@base-ui/react/alert-dialog";
import { useState } from "react";
import { create } from "zustand";
import { Button } from "./Button.tsx";
import dialog from "./Dialog.module.css";
import { Field, Input } from "./Field.tsx";

export interface Ask {
  title: string;
  text: string;
  /** The words on the button that does it. */
  confirm: string;
  danger?: boolean;
  /** What must be typed before it can be done. */
  typed?: string;
}

interface Open {
  ask?: Ask;
  open: boolean;
  answer(yes: boolean): void;
}

// A dialog that closes keeps its words until it is gone.
const useOpen = create<Open>(() => ({ open: false, answer: () => {} }));

function confirm(ask: Ask): Promise<boolean> {
  useOpen.getState().answer(false);
  return new Promise((resolve) => {
    const answer = (yes: boolean) => {
      useOpen.setState({ open: false, answer: () => {} });
      resolve(yes);
    };
    useOpen.setState({ ask, open: true, answer });
  });
}

/** A function that asks, and tells whether the person agreed. */
export function useConfirm(): (ask: Ask) => Promise<boolean> {
  return confirm;
}

/** Where the questions are shown: once in the page, in UiProvider. */
export function ConfirmHost() {
  const { ask, open, answer } = useOpen();
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && answer(false)}>
      <Base.Portal>
        <Base.Backdrop className={dialog.backdrop} />
        <Base.Viewport className={dialog.viewport}>
          {ask && <Question key={ask.title + ask.text} ask={ask} answer={answer} />}
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}

function Question({ ask, answer }: { ask: Ask; answer(yes: boolean): void }) {
  const [typed, setTyped] = useState("");
  const ready = ask.typed === undefined || typed.trim() === ask.typed;
  return (
    <Base.Popup className={`${dialog.popup} ${dialog.small}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) answer(true);
        }}
      >
        <div className={dialog.header}>
          <div className={dialog.words}>
            <Base.Title className={dialog.title}>{ask.title}</Base.Title>
            <Base.Description className={dialog.description}>{ask.text}</Base.Description>
          </div>
        </div>
        {ask.typed !== undefined && (
          <div className={dialog.body}>
            <Field label={`Type “${ask.typed}” to go on`}>
              <Input value={typed} onValueChange={setTyped} autoComplete="off" spellCheck={false} />
            </Field>
          </div>
        )}
        <footer className={dialog.footer}>
          <Button onClick={() => answer(false)}>Cancel</Button>
          <Button type="submit" variant={ask.danger ? "danger" : "primary"} disabled={!ready}>
            {ask.confirm}
          </Button>
        </footer>
      </form>
    </Base.Popup>
  );
}
