/** A pipe as it runs, seen through a tap: nothing is taken, and nobody waits for this page. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { AnsiLine, plainText } from "./ansi.tsx";
import { read } from "./download.ts";
import { Screen } from "./screen.ts";
import type { Session } from "./session.ts";

/** How often what has come is drawn. */
const DRAW_MS = 100;

export function Tail({ session, pipe }: { readonly session: Session; readonly pipe: string }) {
  const [lines, setLines] = useState<readonly string[]>([]);
  const [isPaused, setPaused] = useState(false);
  const [follows, setFollows] = useState(true);
  const [find, setFind] = useState("");
  const [problem, setProblem] = useState("");
  const paused = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  paused.current = isPaused;

  useEffect(() => {
    const screen = new Screen();
    setLines([]);
    setProblem("");
    const stop = read(session, pipe, "tap", {
      write: (bytes, { stream, kind }) => screen.put(stream, bytes, kind === "binary"),
      end: (info, cause) => screen.end(info.stream, cause),
      gap: () => screen.note("some of it came too fast for this page and is not shown"),
      done: () => {},
      failed: setProblem,
    });
    const timer = window.setInterval(() => {
      if (!paused.current && screen.hasNews) setLines(screen.take());
    }, DRAW_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [session, pipe]);

  const needle = find.trim().toLowerCase();
  const shown = useMemo(
    () => (needle === "" ? lines : lines.filter((line) => plainText(line).toLowerCase().includes(needle))),
    [lines, needle],
  );
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, follows]);

  return (
    <section class="tail" aria-label="Live view">
      <div class="bar">
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Go on" : "Pause"}
        </button>
        <label class="check">
          <input type="checkbox" checked={follows} onChange={() => setFollows(!follows)} /> Follow
        </label>
        <input
          type="search"
          placeholder="Search what is shown"
          aria-label="Search what is shown"
          value={find}
          onInput={({ currentTarget }) => setFind(currentTarget.value)}
        />
      </div>
      <div class="screen" ref={box} tabIndex={0} role="log" aria-label="Lines" aria-live="off">
        {shown.map((line, at) => (
          <div key={at} class="line">
            <AnsiLine text={line} find={needle} />
          </div>
        ))}
      </div>
      <p class="hint" role="status">
        {problem || hintOf(lines.length, shown.length, needle, isPaused)}
      </p>
    </section>
  );
}

function hintOf(all: number, shown: number, needle: string, isPaused: boolean): string {
  if (isPaused) return "Paused. What comes meanwhile is kept, up to a limit.";
  if (needle !== "") return `${shown} of ${all} lines`;
  return all === 0
    ? "Nothing has come since this page began to look. Looking takes nothing."
    : `${all} lines`;
}
