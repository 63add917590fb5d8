// How many tokens models took and gave: today's budget, a chart by day and model, and the numbers. It must not know
// how the chart is drawn.

import { ChartColumn, RotateCw } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { type Failure, failureOf } from "../api/failure.ts";
import { type GetUsageResponse, MessageChanged_Kind } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";
import { Empty, FailureNote, IconButton, Select, Spinner, wholeCount } from "../ui/index.ts";
import { useClients, useEvents } from "../workspace/hooks.tsx";
import { Budget } from "./Budget.tsx";
import { type Measure, type Summary, summarize } from "./summary.ts";
import { DayTable, ModelTable } from "./UsageTables.tsx";
import styles from "./UsageView.module.css";

const Chart = lazy(async () => ({ default: (await import("./UsageChart.tsx")).UsageChart }));

type Days = "7" | "30" | "90";

export function UsageView() {
  const [days, setDays] = useState<Days>("30");
  const [measure, setMeasure] = useState<Measure>("all");
  const { usage, problem, again } = useUsage(Number(days));
  const summary = usage && summarize(usage.usage, Number(days), measure, new Date());
  return (
    <div className={styles.view}>
      <div className={styles.column}>
        <header className={styles.head}>
          <h2 className={styles.title}>Usage</h2>
          <Select<Days>
            label="Days"
            hideLabel
            value={days}
            onChange={setDays}
            options={[
              { value: "7", label: "7 days" },
              { value: "30", label: "30 days" },
              { value: "90", label: "90 days" },
            ]}
          />
          <Select<Measure>
            label="Tokens"
            hideLabel
            value={measure}
            onChange={setMeasure}
            options={[
              { value: "all", label: "All tokens" },
              { value: "input", label: "Input" },
              { value: "output", label: "Output" },
            ]}
          />
          <IconButton label="Load the numbers again" icon={RotateCw} onClick={again} />
        </header>
        {problem && <FailureNote failure={problem} retry={again} />}
        {!usage && !problem && <Spinner label="Loading the numbers…" />}
        {usage && summary && <Numbers usage={usage} summary={summary} measure={measure} />}
      </div>
    </div>
  );
}

function Numbers({
  usage,
  summary,
  measure,
}: {
  usage: GetUsageResponse;
  summary: Summary;
  measure: Measure;
}) {
  const { all } = summary;
  return (
    <>
      <Budget usage={usage} />
      <dl className={styles.sums}>
        <Sum name="Input" count={all.input} more={`${wholeCount(all.cached)} from a cache`} />
        <Sum name="Output" count={all.output} more={`${wholeCount(all.thinking)} thinking`} />
        <Sum name="Attempts" count={all.attempts} more={`${wholeCount(all.estimated)} estimated`} />
      </dl>
      {summary.models.length === 0 ? (
        <Empty
          icon={ChartColumn}
          title="No tokens yet"
          text="As soon as a model has answered, its tokens are counted here."
        />
      ) : (
        <>
          <section className={styles.chart} aria-label="Tokens by day and model">
            <Suspense fallback={<Spinner label="Loading the chart…" />}>
              <Chart summary={summary} />
            </Suspense>
          </section>
          <ModelTable summary={summary} measure={measure} />
          <DayTable summary={summary} />
        </>
      )}
      <p className={styles.note}>Days begin at midnight UTC. They are kept for 400 days.</p>
    </>
  );
}

function Sum({ name, count, more }: { name: string; count: bigint; more: string }) {
  return (
    <div className={styles.sum}>
      <dt>{name}</dt>
      <dd className={styles.count}>{wholeCount(count)}</dd>
      <dd className={styles.more}>{more}</dd>
    </div>
  );
}

/** An answer that is over is counted; many at once are asked for once. */
const SETTLE_MS = 1_000;

function useAfterAnswers(then: () => void): void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(({ payload }) => {
    if (payload.case !== "message" || payload.value.kind !== MessageChanged_Kind.FINISHED) return;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      then();
    }, SETTLE_MS);
  });
}

function useUsage(days: number) {
  const { workspace } = useClients();
  const [usage, setUsage] = useState<GetUsageResponse>();
  const [problem, setProblem] = useState<Failure>();
  const [asked, setAsked] = useState({ days, times: 0 });
  if (asked.days !== days) setAsked({ days, times: asked.times });
  useEffect(() => {
    const leaving = new AbortController();
    workspace
      .getUsage({ days: asked.days }, { signal: leaving.signal })
      .then((answer) => {
        setUsage(answer);
        setProblem(undefined);
      })
      .catch((error: unknown) => {
        if (!leaving.signal.aborted) setProblem(failureOf(error));
      });
    return () => leaving.abort();
  }, [workspace, asked]);
  const again = useCallback(() => setAsked((before) => ({ days: before.days, times: before.times + 1 })), []);
  useAfterAnswers(again);
  return { usage, problem, again };
}
