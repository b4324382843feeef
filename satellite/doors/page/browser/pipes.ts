/** All pipes with their rates, asked for again and again while somebody looks. */
import { useEffect, useState } from "preact/hooks";
import type { PipeRow } from "../../../wire/messages.ts";
import type { Session } from "./session.ts";

export interface PipeView extends PipeRow {
  /** Bytes per second that came in, oldest first; at most SAMPLES_MAX. */
  readonly rates: readonly number[];
}

const LOOK_MS = 1_000;
const SAMPLES_MAX = 60;

interface Seen {
  passedBytes: number;
  rates: number[];
}

/** `null` until the first answer. Nothing is asked while the page is hidden. */
export function usePipes(session: Session, isReady: boolean): readonly PipeView[] | null {
  const [views, setViews] = useState<readonly PipeView[] | null>(null);
  useEffect(() => {
    if (!isReady) return undefined;
    const seen = new Map<string, Seen>();
    let lookedMs = performance.now();
    let timer = 0;
    let isOver = false;
    const look = async (): Promise<void> => {
      if (!document.hidden) {
        const rows = await session.list().catch(() => null);
        if (isOver) return;
        const nowMs = performance.now();
        if (rows !== null) setViews(measure(rows, seen, (nowMs - lookedMs) / 1000));
        lookedMs = nowMs;
      }
      timer = window.setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [session, isReady]);
  return views;
}

function measure(rows: readonly PipeRow[], seen: Map<string, Seen>, elapsedS: number): PipeView[] {
  const names = new Set(rows.map(({ name }) => name));
  for (const name of seen.keys()) if (!names.has(name)) seen.delete(name);
  return rows
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map((row) => {
      const passedBytes = row.passedBytes ?? 0;
      const before = seen.get(row.name);
      // A pipe that went and came back counts from the start again.
      const came = before === undefined ? 0 : Math.max(0, passedBytes - before.passedBytes);
      const rates = [...(before?.rates ?? []), came / Math.max(elapsedS, 0.001)].slice(-SAMPLES_MAX);
      seen.set(row.name, { passedBytes, rates });
      return { ...row, rates };
    });
}
