/** Whether version `a` comes after `b`, by their three numbers. What is no version is not later, nor anything later than it. */
export function isLater(a: string, b: string): boolean {
  const [ours, theirs] = [a, b].map((text) => /^(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number));
  if (ours === undefined || theirs === undefined) return false;
  const at = ours.findIndex((number, index) => number !== theirs[index]);
  return at >= 0 && (ours[at] ?? 0) > (theirs[at] ?? 0);
}
