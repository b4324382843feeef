import type { IncomingMessage, ServerResponse } from "node:http";
import type { Limits } from "../wire/limits.ts";
import type { Rights } from "../wire/rights.ts";
import type { ListFeed } from "./feed.ts";
import type { Place } from "./inner-end.ts";
import type { Receipts } from "./receipts.ts";

/** What requests on pipes are answered from. */
export interface Desk extends Place {
  readonly limits: Limits;
  readonly receipts: Receipts;
  readonly feed: ListFeed;
}

/** A request that was let in. */
export interface Visit {
  readonly desk: Desk;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly rights: Rights;
  readonly query: URLSearchParams;
  /** `Accept` names JSON. */
  readonly asJson: boolean;
}

/** A request on one pipe. */
export interface PipeVisit extends Visit {
  readonly pipe: string;
}

/** For a sentence. */
export function pipeCalled(name: string): string {
  return name === "" ? "the default pipe" : `the pipe '${name}'`;
}
