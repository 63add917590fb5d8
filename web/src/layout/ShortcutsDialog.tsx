// All keys of the page, as the commands name them now. It must not know what they do.

import { Dialog, Kbd } from "../ui/index.ts";
import { isApple, keyNames } from "../ui/keys.ts";
import { type Command, shortcutsOf, useCommands } from "./commands.ts";
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
          <section key={section} className={styles.section}>
            <h3 className={styles.heading}>{section}</h3>
            <dl className={styles.list}>
              {list.map((command) => (
                <div key={command.id} className={styles.row}>
                  <dt>{command.title}</dt>
                  <dd className={styles.keys}>
                    {distinct(shortcutsOf(command.shortcut)).map((keys) => (
                      <Kbd key={keys} keys={keys} />
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section className={styles.section}>
          <h3 className={styles.heading}>Everywhere</h3>
          <dl className={styles.list}>
            <div className={styles.row}>
              <dt>Leave a terminal by Tab, or stay in it</dt>
              <dd className={styles.keys}>
                <Kbd keys="Ctrl+Shift+M" />
              </dd>
            </div>
            <div className={styles.row}>
              <dt>Resize the panel whose border has the focus</dt>
              <dd className={styles.keys}>
                <Kbd keys="←" />
                <Kbd keys="→" />
              </dd>
            </div>
          </dl>
        </section>
      </section>
    </Dialog>
  );
}

/** Without those that are the same keys on this computer. */
function distinct(shortcuts: readonly string[]): string[] {
  const names = new Map(shortcuts.map((keys) => [keyNames(keys, isApple()).join("+"), keys]));
  return [...names.values()];
}
