// The tokens of each day as stacked bars, one colour for a model. It must not know where the numbers come from; the
// tables beside it say the same to who cannot see it.

import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { countText, wholeCount } from "../ui/index.ts";
import { colourOf } from "./colours.ts";
import { dayText } from "./dayText.ts";
import type { Day, Summary } from "./summary.ts";
import styles from "./UsageChart.module.css";

export function UsageChart({ summary }: { summary: Summary }) {
  const { days, models } = summary;
  return (
    <div className={styles.chart} aria-hidden="true">
      <ResponsiveContainer width="100%" height="100%" minWidth={0}>
        <BarChart data={days} margin={{ top: 8, right: 0, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="day"
            tickFormatter={dayText}
            tick={{ fill: "var(--text-dim)", fontSize: 11 }}
            tickLine={false}
            axisLine={{ stroke: "var(--line-strong)" }}
            minTickGap={24}
          />
          <YAxis
            width={44}
            tickFormatter={countText}
            tick={{ fill: "var(--text-dim)", fontSize: 11 }}
            tickLine={false}
            axisLine={false}
            allowDecimals={false}
          />
          <Tooltip
            cursor={{ fill: "var(--bg-hover)" }}
            isAnimationActive={false}
            content={({ active, payload }) => {
              const day: Day | undefined = payload?.[0]?.payload;
              return active && day ? <DayBox day={day} summary={summary} /> : null;
            }}
          />
          {models.map(({ model }, at) => (
            <Bar
              key={model}
              dataKey={(day: Day) => day.tokens[at] ?? 0}
              name={model}
              stackId="tokens"
              fill={colourOf(at)}
              isAnimationActive={false}
              maxBarSize={28}
            />
          ))}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}

function DayBox({ day, summary }: { day: Day; summary: Summary }) {
  return (
    <div className={styles.box}>
      <p className={styles.day}>{dayText(day.day)}</p>
      {summary.models.map(
        ({ model }, at) =>
          (day.tokens[at] ?? 0) > 0 && (
            <p key={model} className={styles.row}>
              <span className={styles.dot} style={{ background: colourOf(at) }} />
              <span className={styles.model}>{model}</span>
              <span>{wholeCount(day.tokens[at] ?? 0)}</span>
            </p>
          ),
      )}
      {day.total === 0 && <p className={styles.row}>No tokens</p>}
    </div>
  );
}
