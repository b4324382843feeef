/** A request as the handlers get it, and what they need. */
import type { MachineState, State, Token } from "./state.ts";

export interface Call {
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly token: Token;
  readonly state: State;
  readonly machines: Machines;
}

/** What runs. */
export interface Machines {
  /** Starts it, or starts it again with the configuration that it has now. */
  start(machine: MachineState): void;
  stop(machine: MachineState): Promise<void>;
  /** So many milliseconds of waiting are one of the API's. */
  readonly waitScale: number;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export type Handler = (call: Call, ...parameters: string[]) => Reply | Promise<Reply>;

export function ok(body: unknown, status = 200): Reply {
  return { status, body };
}

/** A field of a body; empty where it is not there. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
