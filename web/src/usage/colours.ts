// The colours of models in a chart and its tables. It must not know the models.

const COLOURS = ["1", "2", "3", "4", "5", "6"].map((n) => `var(--chart-${n})`);

export function colourOf(at: number): string {
  return COLOURS[at % COLOURS.length] ?? "var(--accent)";
}
