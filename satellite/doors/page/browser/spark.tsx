/** The last minute of a pipe as a line. */

const WIDTH = 120;
const HEIGHT = 24;

export function Spark({ rates }: { readonly rates: readonly number[] }) {
  const most = Math.max(...rates, 1);
  const step = WIDTH / 59;
  const first = 60 - rates.length;
  const points = rates.map((rate, i) => {
    const y = HEIGHT - 1 - (rate / most) * (HEIGHT - 2);
    return `${((first + i) * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" focusable="false">
      <polyline points={points.join(" ")} />
    </svg>
  );
}
