/** The process with many readers (ends/readers.ts): how it is started, and what it says. */
import { endLine } from "./ends.ts";

export interface Readers {
  readonly protocol: "skypipe" | "nats" | "mqtt";
  readonly port: number;
  readonly readers: number;
  /** For each. */
  readonly bytes: number;
  readonly payload: number;
  readonly pipes?: number;
  readonly restMs?: number;
}

/** For a shell. */
export function readersLine({
  protocol,
  port,
  readers,
  bytes,
  payload,
  pipes = 1,
  restMs = 0,
}: Readers): string {
  return endLine("readers", protocol, port, readers, bytes, payload, pipes, restMs);
}

/** From the first byte to the last. */
export function secondsIn(err: string): number {
  return Number(/^([\d.]+) s$/m.exec(err)?.[1] ?? Number.NaN);
}
