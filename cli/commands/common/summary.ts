import { WireError } from "../../../satellite/wire/errors.ts";
import { EXIT_OUTPUT_CLOSED, Exit } from "../../terminal/exit.ts";
import type { Teller } from "../../terminal/teller.ts";
import { errorFacts } from "./failure.ts";

/** How a pipe end came to its end. */
export type Cause = "eof" | "interrupted" | "aborted" | "timeout" | "closed" | "failed";

/** What `--json` tells at the end of send and recv. */
export class Summary {
  bytes = 0;
  streams = 0;
  readonly #pipe: string;
  readonly #startMs = performance.now();

  constructor(pipe: string) {
    this.#pipe = pipe;
  }

  tell(teller: Teller, cause: Cause, failure?: unknown): void {
    const seconds = Math.round(performance.now() - this.#startMs) / 1000;
    const { bytes, streams } = this;
    const error = failure === undefined ? {} : { error: errorFacts(failure) };
    teller.line(JSON.stringify({ pipe: this.#pipe, bytes, streams, seconds, cause, ...error }));
  }
}

export function causeOf(failure: unknown): Cause {
  if (failure instanceof Exit && failure.exitCode === EXIT_OUTPUT_CLOSED) return "closed";
  if (!(failure instanceof WireError)) return "failed";
  return failure.code === "timeout" || failure.code === "aborted" ? failure.code : "failed";
}
