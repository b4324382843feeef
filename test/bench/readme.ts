/** The table of the README, between two markers, so that its numbers are always those of a run. */
import { described, type Machine } from "./machine.ts";
import type { Result } from "./scenario.ts";
import { aimOf, figure, outcomeOf } from "./table.ts";

const begin = "<!-- bench: written by `npm run bench -- --readme` -->";
const end = "<!-- /bench -->";

/** The page with the table of these results in place of the one it had. */
export function withTable(page: string, machine: Machine, results: readonly Result[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The README has no '${begin}' … '${end}'`);
  return `${page.slice(0, from + begin.length)}\n${tableOf(machine, results)}\n${page.slice(to)}`;
}

function tableOf(machine: Machine, results: readonly Result[]): string {
  const rows = results.flatMap(({ scenario, title, contestants, targets }) =>
    targets.map((verdict) => {
      const { of, metric, peer, peerMetric = metric, measured } = verdict;
      const ours = figure(contestants[of]?.[metric]?.median ?? Number.NaN);
      const theirs = peer === undefined ? "" : figure(contestants[peer]?.[peerMetric]?.median ?? Number.NaN);
      const who = of === "skypipe" ? "" : `${of.replace(/^skypipe, /, "")}, `;
      const cells = [
        `\`${scenario}\` ${title}`,
        `${who}${metric}: ${ours}`,
        peer === undefined ? "" : `${peer}: ${theirs}`,
        figure(measured),
        aimOf(verdict),
        outcomeOf(verdict),
      ];
      return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    }),
  );
  const rounds = Math.max(...results.map((result) => result.rounds));
  return [
    `Medians of ${rounds} interleaved rounds (${rounds === 1 ? "which says little" : "each contestant once in each"}) on ${described(machine)}.`,
    "",
    "| scenario | skypipe | peer | ratio or figure | target | |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
