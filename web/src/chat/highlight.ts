// Colours code: a plugin of Markdown's renderer, with the common languages. Its own chunk, fetched when code is shown.
// It must not know what the colours are.

import rehypeHighlight from "rehype-highlight";

/** Letters of one block of code that are coloured; more is shown plainly. */
const LETTERS_MAX = 60_000;

interface Node {
  type: string;
  tagName?: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** `rehypePlugins` for react-markdown. */
export const highlighting = [leaveLongCode, [rehypeHighlight, { detect: false }]] as const;

function leaveLongCode() {
  return (tree: Node): void => {
    for (const node of tree.children ?? []) {
      const code = node.tagName === "pre" ? node.children?.[0] : undefined;
      const text = code?.children?.[0]?.value ?? "";
      if (code && text.length > LETTERS_MAX) {
        const names = Array.isArray(code.properties?.className) ? code.properties.className : [];
        code.properties = { ...code.properties, className: [...names, "no-highlight"] };
      }
    }
  };
}
