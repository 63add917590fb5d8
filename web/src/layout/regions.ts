// The parts of the page that the keyboard goes round, and how one gets the focus. It must not know what is in them.

export type Region = "conversations" | "main" | "terminals" | "agents";

const ORDER: readonly Region[] = ["conversations", "main", "terminals", "agents"];

/** The `id` of a region's element. */
export function regionId(region: Region): string {
  return `region-${region}`;
}

/** Gives the focus to where a person types in the region, else to its first control, else to the region. */
export function focusRegion(region: Region): boolean {
  const element = document.getElementById(regionId(region));
  if (!element) return false;
  const wanted = [
    ".xterm-helper-textarea",
    "textarea:not(:disabled)",
    'button:not(:disabled), a[href], input:not(:disabled), [tabindex="0"]',
  ];
  for (const selector of wanted) {
    for (const found of element.querySelectorAll<HTMLElement>(selector)) {
      if (!found.checkVisibility()) continue;
      found.focus();
      if (document.activeElement === found) return true;
    }
  }
  element.focus();
  return true;
}

/** Goes to the next region that is shown, or to the one before. */
export function stepRegion(by: 1 | -1): void {
  const shown = ORDER.filter((each) => document.getElementById(regionId(each)));
  const at = shown.findIndex((each) =>
    document.getElementById(regionId(each))?.contains(document.activeElement),
  );
  const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : (at + by + shown.length) % shown.length;
  const region = shown[next];
  if (region) focusRegion(region);
}
