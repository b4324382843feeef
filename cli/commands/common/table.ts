/** Aligned columns below their heads: text to the left, what is in `rightAligned` to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly string[] = [],
): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const padded = lines.map((line) =>
    line.map((cell, column) => {
      const width = widths[column] ?? 0;
      return rightAligned.includes(head[column] ?? "") ? cell.padStart(width) : cell.padEnd(width);
    }),
  );
  return padded.map((line) => `${line.join("  ").trimEnd()}\n`).join("");
}
