/** Results as text for people. */
import type { Result, Target, Verdict } from "./scenario.ts";
import type { Spread } from "./statistics.ts";

export function tableOf(result: Result): string {
  const { scenario, title, rounds, contestants, failures, targets } = result;
  const lines = [`${scenario}: ${title} (medians of ${rounds}, min–max)`, ""];
  lines.push(
    ...grid(contestants),
    ...Object.entries(failures).map(([name, why]) => `  ${name} FAILED: ${why}`),
  );
  if (targets.length > 0) lines.push("", ...targets.map((verdict) => `  ${sentenceOf(verdict)}`));
  return `${lines.join("\n")}\n`;
}

/** The first metric is what the scenario is about and shows its spread. */
function grid(contestants: Result["contestants"]): string[] {
  const metrics = [...new Set(Object.values(contestants).flatMap((spreads) => Object.keys(spreads)))];
  const rows = Object.entries(contestants).map(([name, spreads]) => [
    name,
    ...metrics.map((metric, index) => cellOf(spreads[metric], index === 0)),
  ]);
  const table = [["", ...metrics], ...rows];
  const widths = ["", ...metrics].map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table.map((row) =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")}`.trimEnd(),
  );
}

function cellOf(spread: Spread | undefined, isRangeShown: boolean): string {
  if (spread === undefined) return "–";
  const { median, min, max } = spread;
  return isRangeShown ? `${figure(median)} (${figure(min)}–${figure(max)})` : figure(median);
}

/** Three digits that say something. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100 || value === 0) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}

export function aimOf({ atLeast, atMost, peer, goal }: Target): string {
  const sign = atLeast === undefined ? "≤" : "≥";
  const better = goal === undefined ? "" : ` (goal ${goal})`;
  return `${sign} ${atLeast ?? atMost}${peer === undefined ? "" : ` × ${peer}`}${better}`;
}

export function outcomeOf({ measured, met }: Verdict): string {
  return Number.isNaN(measured) ? "not measured" : met ? "met" : "missed";
}

function sentenceOf(verdict: Verdict): string {
  return `${verdict.of} ${verdict.metric} ${aimOf(verdict)}: ${figure(verdict.measured)}, ${outcomeOf(verdict)}`;
}
