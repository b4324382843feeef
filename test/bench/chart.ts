/**
 * The scaling plot as SVG. By hand, since the libraries that draw charts without a browser are megabytes, and all that is wanted
 * is a few lines of points. Both axes are logarithmic: what is level costs the same however many streams there are, and what
 * rises by as many decades as it goes to the right grows with their number.
 */
import type { Result } from "./scenario.ts";
import type { Spread } from "./statistics.ts";

interface Point {
  x: number;
  y: Spread;
}

const panel = { width: 250, height: 190, left: 52, right: 14, top: 34, bottom: 34 } as const;
const headPx = 44;
const rowHeadPx = 24;
/** So that noise does not look like a slope. */
const decadesMin = 2;

/** A row for each result, in which a panel shows a metric. The contestants are named by numbers. */
export function chartOf(results: readonly Result[], title: string, machine: string): string {
  const rows = results.map((result) => ({ result, panels: panelsOf(result) }));
  const width = Math.max(...rows.map(({ panels }) => panels.length)) * panel.width;
  const height = headPx + rows.length * (panel.height + rowHeadPx);
  const parts = rows.flatMap(({ result, panels }, row) => {
    const top = headPx + row * (panel.height + rowHeadPx);
    return [
      text(8, top + 14, result.title, "row"),
      ...panels.map(
        ({ metric, points }, column) =>
          `<g transform="translate(${column * panel.width} ${top + rowHeadPx})">${panelOf(metric, points)}</g>`,
      ),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    "<style>text{font:11px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:bold}.row{font-weight:bold}",
    ".grid{stroke:#ddd}.line{fill:none;stroke:#0969da;stroke-width:1.5}.range{stroke:#0969da}.dot{fill:#0969da}</style>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(8, 18, title, "title"),
    text(8, 34, machine),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function panelsOf({ contestants }: Result): { metric: string; points: Point[] }[] {
  const [first = {}] = Object.values(contestants);
  return Object.keys(first).map((metric) => ({
    metric,
    points: Object.entries(contestants).flatMap(([name, spreads]) => {
      const y = spreads[metric];
      return y === undefined || y.min <= 0 ? [] : [{ x: Number(name.replace(/\D/g, "")), y }];
    }),
  }));
}

function panelOf(metric: string, points: readonly Point[]): string {
  const x = scale(
    points.map((point) => point.x),
    panel.left,
    panel.width - panel.right,
    1,
  );
  const y = scale(
    points.flatMap(({ y: { min, max } }) => [min, max]),
    panel.height - panel.bottom,
    panel.top,
    decadesMin,
  );
  const at = ({ x: count, y: { median } }: Point): string => `${px(x.at(count))},${px(y.at(median))}`;
  return [
    text(panel.left, 22, metric),
    ...y.decades.map((value) =>
      line(panel.left, y.at(value), panel.width - panel.right, y.at(value), "grid"),
    ),
    ...y.decades.map((value) => text(panel.left - 6, y.at(value) + 4, short(value), "", "end")),
    ...points.map((point) => text(x.at(point.x), panel.height - 14, short(point.x), "", "middle")),
    `<polyline class="line" points="${points.map(at).join(" ")}"/>`,
    ...points.map((point) =>
      line(x.at(point.x), y.at(point.y.min), x.at(point.x), y.at(point.y.max), "range"),
    ),
    ...points.map(
      (point) => `<circle class="dot" r="3" cx="${px(x.at(point.x))}" cy="${px(y.at(point.y.median))}"/>`,
    ),
  ].join("");
}

/** Whole decades around all values, spread from one pixel to another. */
function scale(
  values: readonly number[],
  from: number,
  to: number,
  least: number,
): { at: (value: number) => number; decades: number[] } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + least, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    decades: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)),
  };
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<line class="${kind}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;
}

function text(x: number, y: number, value: string, kind = "", anchor = "start"): string {
  const safe = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text class="${kind}" x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${safe}</text>`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** 0.01, 1, 10k. */
function short(value: number): string {
  return value >= 1_000 ? `${value / 1_000}k` : String(Number(value.toPrecision(1)));
}
