/** Figures as people read them, in their own language. */

const STEP = 1024;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= STEP && unit < UNITS.length - 1; unit++) value /= STEP;
  const digits = unit > 0 && value < 100 ? 1 : 0;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

export function rateText(bytesPerSecond: number): string {
  return bytesPerSecond < 1 ? "–" : `${bytesText(bytesPerSecond)}/s`;
}

export function ageText(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export function percentText(part: number, whole: number): string {
  return whole > 0 ? `${Math.floor((part / whole) * 100)} %` : "";
}

/** How a pipe is called: the default one has no name of its own. */
export function pipeText(name: string): string {
  return name === "" ? "(default pipe)" : name;
}
