// Which addresses of untrusted text may become links.
// It must not know where they are shown.

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
/** Nobody types a longer one. */
const LENGTH_MAX = 2048;

/** The address as it may be linked; undefined: show it as text. Relative addresses would point into this page. */
export function safeHref(href: string | undefined): string | undefined {
  if (!href || href.length > LENGTH_MAX) {
    return undefined;
  }
  try {
    const url = new URL(href);
    return SCHEMES.has(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
