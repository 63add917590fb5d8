// An answer as Markdown, drawn block by block: while it grows, only its last block is drawn anew.
// It must not know whose text it is, and trusts none: no HTML, no images from outside, no links but to the web and mail.

import type { Element, ElementContent } from "hast";
import { type ComponentProps, memo, type ReactNode, useEffect, useMemo, useState } from "react";
import ReactMarkdown, { type Components, type Options } from "react-markdown";
import remarkGfm from "remark-gfm";
import { blocksOf, definitionsOf, endsInCode } from "./blocks.ts";
import { CodeBlock } from "./CodeBlock.tsx";
import { safeHref } from "./links.ts";
import styles from "./Markdown.module.css";
import { mended } from "./mend.ts";

const remarkPlugins = [remarkGfm];
type Plugins = Options["rehypePlugins"];

export interface MarkdownProps {
  text: string;
  /** More text comes: the end may be half open. */
  growing?: boolean;
}

export default function Markdown({ text, growing = false }: MarkdownProps) {
  const blocks = useMemo(() => blocksOf(text), [text]);
  const definitions = useMemo(() => definitionsOf(text), [text]);
  const plugins = useHighlighting(text.includes("```") || text.includes("~~~"));
  const last = blocks.length - 1;
  return (
    <div className={growing ? `${styles.markdown} ${styles.growing}` : styles.markdown}>
      {blocks.map((block, index) => (
        <Block
          // biome-ignore lint/suspicious/noArrayIndexKey: a block is its place; those before the last never change
          key={index}
          text={growing && index === last ? mended(block) : block}
          definitions={block.includes("[") && !endsInCode(block) ? definitions : ""}
          plugins={plugins}
        />
      ))}
    </div>
  );
}

interface BlockProps {
  text: string;
  definitions: string;
  plugins: Plugins;
}

const Block = memo(function Block({ text, definitions, plugins }: BlockProps) {
  return (
    <div className={styles.block}>
      <ReactMarkdown
        remarkPlugins={remarkPlugins}
        rehypePlugins={plugins}
        components={components}
        urlTransform={(url) => safeHref(url) ?? ""}
      >
        {definitions === "" ? text : `${text}\n\n${definitions}`}
      </ReactMarkdown>
    </div>
  );
});

/** Fetches the colours when there is code for the first time. */
function useHighlighting(wanted: boolean): Plugins {
  const [plugins, setPlugins] = useState<Plugins>(loaded);
  useEffect(() => {
    let here = true;
    if (wanted && !loaded) {
      import("./highlight.ts").then(
        ({ highlighting }) => {
          loaded = highlighting as unknown as Plugins;
          if (here) {
            setPlugins(loaded);
          }
        },
        // Code without colours is code still.
        () => undefined,
      );
    }
    return () => {
      here = false;
    };
  }, [wanted]);
  return plugins ?? loaded;
}

let loaded: Plugins;

function Link({ href, children }: { href?: string; children?: ReactNode }) {
  const safe = safeHref(href);
  if (!safe) {
    return <span>{children}</span>;
  }
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer" title={safe}>
      {children}
    </a>
  );
}

/** An image is not fetched: whoever wrote the text would learn who reads it. */
function Picture({ src, alt }: { src?: string; alt?: string }) {
  const label = alt ? `Image: ${alt}` : "Image";
  return <Link href={typeof src === "string" ? src : undefined}>{label}</Link>;
}

function Pre({ node, children }: { node?: Element; children?: ReactNode }) {
  const code = node?.children.find((child): child is Element => child.type === "element");
  const names = code?.properties.className;
  const name = Array.isArray(names) ? names.find((one) => String(one).startsWith("language-")) : undefined;
  return (
    <CodeBlock language={String(name ?? "").slice("language-".length)} text={textOf(code?.children ?? [])}>
      {children}
    </CodeBlock>
  );
}

function Table({ children }: { children?: ReactNode }) {
  return (
    // No landmark: an answer has many.
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrolled by keys too
    <div role="group" className={styles.table} aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </div>
  );
}

const components: Components = {
  a: ({ href, children }: ComponentProps<"a">) => <Link href={href}>{children}</Link>,
  img: ({ src, alt }: ComponentProps<"img">) => <Picture src={src as string | undefined} alt={alt} />,
  pre: Pre,
  table: Table,
};

function textOf(nodes: readonly ElementContent[]): string {
  return nodes
    .map((node) => (node.type === "text" ? node.value : node.type === "element" ? textOf(node.children) : ""))
    .join("");
}
