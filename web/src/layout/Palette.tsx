// The command palette: what is typed finds conversations, terminals, agents and commands. It must not know what they do.

import { Autocomplete } from "@base-ui/react/autocomplete";
import { Dialog } from "@base-ui/react/dialog";
import { ChevronRight, Search } from "lucide-react";
import { useMemo, useState } from "react";
import { Kbd } from "../ui/index.ts";
import styles from "./Palette.module.css";
import { type PaletteItem, type PaletteSection, sectionsFor } from "./paletteItems.ts";
import { usePaletteItems } from "./usePaletteItems.ts";

export function Palette({ open, onClose }: { open: boolean; onClose(): void }) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Viewport className={styles.viewport}>
          <Dialog.Popup className={styles.popup} aria-label="Command palette">
            <Finder onClose={onClose} />
          </Dialog.Popup>
        </Dialog.Viewport>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Finder({ onClose }: { onClose(): void }) {
  const [query, setQuery] = useState("");
  const items = usePaletteItems();
  const sections = useMemo(() => sectionsFor(query, items), [query, items]);
  const choose = (item: PaletteItem) => {
    onClose();
    // After the dialog has given the focus back: a command may move it.
    setTimeout(item.run, 0);
  };
  return (
    <Autocomplete.Root
      open
      inline
      items={sections}
      filter={null}
      value={query}
      onValueChange={(value, { reason }) => reason !== "item-press" && setQuery(value)}
      itemToStringValue={(item: PaletteItem) => item.label}
      autoHighlight="always"
      keepHighlight
    >
      <Autocomplete.InputGroup className={styles.search}>
        <Search size={16} aria-hidden className={styles.icon} />
        <Autocomplete.Input
          className={styles.input}
          aria-label="Search conversations, terminals, agents and commands"
          placeholder="Search or run a command"
        />
        <Dialog.Close className={styles.close} aria-label="Esc: close">
          <Kbd keys="Esc" />
        </Dialog.Close>
      </Autocomplete.InputGroup>
      <div className={styles.results}>
        <Autocomplete.Empty className={styles.empty}>Nothing fits.</Autocomplete.Empty>
        <Autocomplete.List className={styles.list}>
          {(section: PaletteSection) => (
            <Autocomplete.Group key={section.value} items={section.items} className={styles.section}>
              <Autocomplete.GroupLabel className={styles.heading}>{section.value}</Autocomplete.GroupLabel>
              <Autocomplete.Collection>
                {(item: PaletteItem) => <Row key={item.id} item={item} choose={choose} />}
              </Autocomplete.Collection>
            </Autocomplete.Group>
          )}
        </Autocomplete.List>
      </div>
    </Autocomplete.Root>
  );
}

function Row({ item, choose }: { item: PaletteItem; choose(item: PaletteItem): void }) {
  const Icon = item.icon ?? ChevronRight;
  return (
    <Autocomplete.Item value={item} className={styles.item} onClick={() => choose(item)}>
      <Icon size={14} aria-hidden className={styles.icon} />
      <span className={styles.label}>{item.label}</span>
      {item.detail && <span className={styles.detail}>{item.detail}</span>}
      {item.shortcut && <Kbd keys={item.shortcut} />}
    </Autocomplete.Item>
  );
}
