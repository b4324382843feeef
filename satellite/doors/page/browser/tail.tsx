/** A pipe as it runs, seen through a tap: nothing is taken, and nobody waits for this page. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { AnsiLine, plainText } from "./ansi.tsx";
import { read } from "./download.ts";
import { Screen } from "./screen.ts";
import type { Keyring } from "./seal-keys.ts";
import type { Session } from "./session.ts";

/** How often what has come is drawn. */
const DRAW_MS = 100;

export interface TailProps {
  readonly session: Session;
  readonly pipe: string;
  readonly keyring: Keyring | null;
}

export function Tail({ session, pipe, keyring }: TailProps) {
  const [lines, setLines] = useState<readonly string[]>([]);
  const [isPaused, setPaused] = useState(false);
  const [follows, setFollows] = useState(true);
  const [find, setFind] = useState("");
  const [problem, setProblem] = useState("");
  const paused = useRef(false);
  paused.current = isPaused;

  useEffect(() => {
    const screen = new Screen();
    setLines([]);
    setProblem("");
    const stop = read(
      session,
      "tap",
      { pipe, keyring, takesPlain: true },
      {
        write: (bytes, { stream, kind }) => screen.put(stream, bytes, kind === "binary"),
        end: (info, cause) => screen.end(info.stream, cause),
        gap: () => screen.note("some of it came too fast for this page and is not shown"),
        done: () => {},
        failed: setProblem,
      },
    );
    const timer = window.setInterval(() => {
      if (!paused.current && screen.hasNews) setLines(screen.take());
    }, DRAW_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [session, pipe, keyring]);

  const needle = find.trim().toLowerCase();
  const shown = useMemo(
    () => (needle === "" ? lines : lines.filter((line) => plainText(line).toLowerCase().includes(needle))),
    [lines, needle],
  );
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
      <Lines lines={shown} find={needle} follows={follows} />
      <p class="hint" role="status">
        {problem || hintOf(lines.length, shown.length, needle, isPaused)}
      </p>
    </section>
  );
}

interface LinesProps {
  readonly lines: readonly string[];
  readonly find: string;
  readonly follows: boolean;
}

function Lines({ lines, find, follows }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follows]);
  return (
    <div class="screen" ref={box} tabIndex={0} role="log" aria-label="Lines" aria-live="off">
      {lines.map((line, at) => (
        <div key={at} class="line">
          <AnsiLine text={line} find={find} />
        </div>
      ))}
    </div>
  );
}

function hintOf(all: number, shown: number, needle: string, isPaused: boolean): string {
  if (isPaused) return "Paused. What comes meanwhile is kept, up to a limit.";
  if (needle !== "") return `${shown} of ${all} lines`;
  return all === 0
    ? "Nothing has come since this page began to look. Looking takes nothing."
    : `${all} lines`;
}
