/** What is asked about pipes, and dropped from them: `HEAD`, `DELETE`, the list and the figures [H-17] [H-18] [H-21]. */

import { WireError } from "../wire/errors.ts";
import type { PipeRow, SatelliteMessage, StreamBegins } from "../wire/messages.ts";
import { type Answer, accepts, DONE, json } from "./answer.ts";
import { refusalOfStream } from "./http-read.ts";
import { ask } from "./inner-end.ts";
import { headersFor } from "./labels.ts";
import { listPipes } from "./listing.ts";
import { metricsOf } from "./metrics.ts";
import { noOptions, readOptions } from "./parameters.ts";
import type { PipeVisit, Visit } from "./visit.ts";

const REF = 1;

/** What a `GET` would begin with. Throws WireError. */
export async function headPipe({ desk, rights, pipe, query }: PipeVisit): Promise<Answer> {
  readOptions(query);
  const request = { type: "read", ref: REF, pipe, mode: "peek", limitBytes: 1 } as const;
  const begins = await ask(desk, rights, request, beginningIn);
  const refusal = refusalOfStream(begins, false);
  if (refusal !== null) throw refusal;
  return { status: 200, body: null, headers: headersFor(begins) };
}

/** A stream that has nothing to show yet. */
const NOTHING: StreamBegins = { type: "stream", ref: REF, stream: 0, offset: 0 };

function beginningIn(message: SatelliteMessage): StreamBegins | undefined {
  if (message.type === "stream") return message;
  return message.type === "done" ? NOTHING : undefined;
}

/** Throws WireError. */
export async function dropPipe({ desk, rights, pipe, query, asJson }: PipeVisit): Promise<Answer> {
  noOptions(query);
  const removed = await ask(desk, rights, { type: "remove", ref: REF, pipe }, (message) =>
    message.type === "removed" ? message : undefined,
  );
  return asJson ? json({ streams: removed.streams, bytes: removed.bytes }) : DONE;
}

/** Throws WireError. `null`: the answer goes on, as events. */
export async function showPipes({ desk, rights, request, response }: Visit): Promise<Answer | null> {
  const rows: PipeRow[] = await listPipes(desk, rights);
  if (request.method === "HEAD" || !accepts(request.headers.accept, "text/event-stream")) return json(rows);
  if (rights.scope !== null)
    throw new WireError("forbidden", "events tell of all pipes, and this link is for one");
  desk.feed.watch(response);
  return null;
}

/** Throws WireError. */
export async function showMetrics({ desk, rights }: Visit): Promise<Answer> {
  const figures = desk.exchange.figures();
  const rows = await listPipes(desk, rights);
  const status = await ask(desk, rights, { type: "inspect", ref: REF }, (message) =>
    message.type === "status" ? message : undefined,
  );
  return metricsOf({ figures, rows, status });
}
