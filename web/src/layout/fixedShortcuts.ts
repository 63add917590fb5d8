// Keys that belong to a part of the page while it has the focus, and so are no commands: for the list of all keys. It
// must not know what they do.

export interface FixedShortcut {
  title: string;
  keys: readonly string[];
}

export const FIXED_SHORTCUTS: Readonly<Record<string, readonly FixedShortcut[]>> = {
  "In a terminal": [
    { title: "Leave it by Tab, or let the program have Tab", keys: ["Ctrl+Shift+M"] },
    { title: "Copy, paste", keys: ["Ctrl+Shift+C", "Ctrl+Shift+V"] },
    { title: "Find", keys: ["Ctrl+Shift+F"] },
    { title: "Oldest line, newest line", keys: ["Ctrl+Shift+Home", "Ctrl+Shift+End"] },
    { title: "Larger, smaller, usual text", keys: ["Ctrl+Shift+=", "Ctrl+Shift+-", "Ctrl+Shift+0"] },
    { title: "New terminal", keys: ["Ctrl+Shift+`"] },
    { title: "Split", keys: ["Ctrl+Shift+5"] },
    { title: "Next tab, tab before", keys: ["Ctrl+Shift+→", "Ctrl+Shift+←"] },
    { title: "Next pane, pane before", keys: ["Ctrl+Shift+↓", "Ctrl+Shift+↑"] },
    { title: "Move the tab", keys: ["Ctrl+Shift+PgDn", "Ctrl+Shift+PgUp"] },
  ],
  "Where one writes": [
    { title: "Complete a command or a name", keys: ["Tab"] },
    { title: "Edit what you said last", keys: ["↑"] },
    { title: "Stop the answer", keys: ["Esc"] },
  ],
  "In lists and on tabs": [
    { title: "Rename", keys: ["F2"] },
    { title: "Delete, kill or close", keys: ["Delete"] },
    { title: "Filter the agents", keys: ["/"] },
    { title: "Move the border that has the focus", keys: ["←", "→"] },
  ],
};
