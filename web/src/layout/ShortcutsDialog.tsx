// All keys of the page, as the commands name them now. It must not know what they do.

import { Dialog, Kbd } from "../ui/index.ts";
import { isApple, keyNames } from "../ui/keys.ts";
import { type Command, shortcutsOf, useCommands } from "./commands.ts";
import { FIXED_SHORTCUTS, type FixedShortcut } from "./fixedShortcuts.ts";
import styles from "./ShortcutsDialog.module.css";

export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  const commands = useCommands((state) => state.commands);
  const sections = new Map<string, Command[]>();
  for (const command of commands.values()) {
    if (shortcutsOf(command.shortcut).length === 0) continue;
    sections.set(command.section, [...(sections.get(command.section) ?? []), command]);
  }
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Keyboard shortcuts"
      description={
        isApple()
          ? "While a terminal has the focus, the page takes only ⌘ and ⌃⇧ keys; all others are the program's."
          : "While a terminal has the focus, the page takes only Ctrl+Shift keys; all others are the program's."
      }
      width="medium"
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrolled by keys too */}
      <section aria-label="All shortcuts" className={styles.all} tabIndex={0}>
        {[...sections].map(([section, list]) => (
          <Section
            key={section}
            title={section}
            shortcuts={list.map(({ title, shortcut }) => ({ title, keys: distinct(shortcutsOf(shortcut)) }))}
          />
        ))}
        {Object.entries(FIXED_SHORTCUTS).map(([section, shortcuts]) => (
          <Section key={section} title={section} shortcuts={shortcuts} />
        ))}
      </section>
    </Dialog>
  );
}

function Section({ title: heading, shortcuts }: { title: string; shortcuts: readonly FixedShortcut[] }) {
  return (
    <section className={styles.section}>
      <h3 className={styles.heading}>{heading}</h3>
      <dl>
        {shortcuts.map(({ title, keys }) => (
          <div key={title} className={styles.row}>
            <dt>{title}</dt>
            <dd className={styles.keys}>
              {keys.map((each) => (
                <Kbd key={each} keys={each} />
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Without those that are the same keys on this computer. */
function distinct(shortcuts: readonly string[]): string[] {
  const names = new Map(shortcuts.map((keys) => [keyNames(keys, isApple()).join("+"), keys]));
  return [...names.values()];
}
