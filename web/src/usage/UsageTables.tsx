// The numbers behind the chart: by model, and by day. They must not know the chart.

import { wholeCount } from "../ui/index.ts";
import { colourOf } from "./colours.ts";
import { dayText } from "./dayText.ts";
import { type Measure, type Summary, sizeOf } from "./summary.ts";
import styles from "./UsageTables.module.css";

export function ModelTable({ summary, measure }: { summary: Summary; measure: Measure }) {
  const whole = sizeOf(summary.all, measure);
  const share = (part: bigint) => (whole === 0n ? 0 : Number((part * 1000n) / whole) / 10);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, also by keys
    <section className={styles.scroll} tabIndex={0} aria-label="Tokens by model">
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Input</th>
            <th scope="col">Cached</th>
            <th scope="col">Output</th>
            <th scope="col">Thinking</th>
            <th scope="col">Attempts</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {summary.models.map((each, at) => (
            <tr key={each.model}>
              <th scope="row">
                <span className={styles.dot} style={{ background: colourOf(at) }} aria-hidden />
                {each.model}
              </th>
              <td>{wholeCount(each.input)}</td>
              <td>{wholeCount(each.cached)}</td>
              <td>{wholeCount(each.output)}</td>
              <td>{wholeCount(each.thinking)}</td>
              <td>
                {wholeCount(each.attempts)}
                {each.estimated > 0n && (
                  <span className={styles.dim}> ({wholeCount(each.estimated)} estimated)</span>
                )}
              </td>
              <td>{share(sizeOf(each, measure))} %</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Days with any, newest first; folded, since the chart shows them. */
export function DayTable({ summary }: { summary: Summary }) {
  const days = summary.days.filter((day) => day.total > 0).reverse();
  return (
    <details className={styles.days}>
      <summary className={styles.summary}>Numbers by day</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, also by keys */}
      <section className={styles.scroll} tabIndex={0} aria-label="Tokens by day">
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {summary.models.map(({ model }) => (
                <th key={model} scope="col">
                  {model}
                </th>
              ))}
              <th scope="col">All</th>
            </tr>
          </thead>
          <tbody>
            {days.map((day) => (
              <tr key={day.day}>
                <th scope="row">
                  <time dateTime={day.day}>{dayText(day.day)}</time>
                </th>
                {summary.models.map(({ model }, at) => (
                  <td key={model}>{wholeCount(day.tokens[at] ?? 0)}</td>
                ))}
                <td>{wholeCount(day.total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
