/** One sentence for each way in which Fly refuses: what happened, and what to do. */
import { type ErrorCode, WireError } from "../../satellite/wire/errors.ts";
import {
  type Failure,
  isFailure,
  isFull,
  isImageMissing,
  isMachineLimit,
  isTooLarge,
  needsPayment,
} from "./failure.ts";

export interface Context {
  /** What was tried, as in `cannot …`. */
  readonly doing: string;
  /** The API's host. */
  readonly host: string;
  /** Slug, once it is known. */
  readonly org?: string;
}

type Said = readonly [code: ErrorCode, sentence: string];

/** What was thrown, as an error for people. Anything but a Failure is given back as it is. */
export function explained(error: unknown, context: Context): Error {
  if (!isFailure(error)) return error instanceof Error ? error : new Error(String(error));
  const [code, sentence] = said(error, context);
  const id = error.facts.requestId;
  return new WireError(code, id === "" ? sentence : `${sentence} (fly-request-id ${id})`, { cause: error });
}

function said(failure: Failure, { doing, host, org }: Context): Said {
  const inOrg = org === undefined ? "" : ` of the organization ${org}`;
  const { status, text } = failure.facts;
  if (status === 0) {
    return [
      "unreachable",
      `cannot reach Fly's API at ${host}: ${text}; check the network, HTTPS_PROXY, and try again`,
    ];
  }
  if (status === 401) {
    return [
      "unauthorized",
      "Fly does not accept the token: it is wrong, has expired or was revoked; make one with fly tokens create org, " +
        "and give it to skypipe setup fly, which asks for it or takes it from FLY_API_TOKEN",
    ];
  }
  if (needsPayment(failure)) {
    return [
      "forbidden",
      `Fly wants a payment method${inOrg} before it runs this: add one at ${billing(org)}, and run the same command again`,
    ];
  }
  if (isMachineLimit(failure)) {
    return [
      "limit",
      `the limit of machines${inOrg} is reached: destroy one that you do not need, or ask billing@fly.io, and run the ` +
        "same command again",
    ];
  }
  if (status === 403) {
    return [
      "forbidden",
      `the Fly token may not do this (cannot ${doing}): it is read-only or for something else; make one for the whole ` +
        "organization with fly tokens create org",
    ];
  }
  if (isFull(failure)) {
    return ["full", `Fly has no room just now to ${doing}: try again later, or elsewhere with --region`];
  }
  if (isTooLarge(failure)) {
    return [
      "too-large",
      `Fly finds the satellite's files too large to ${doing} (${text}): its limit has changed; use a newer skypipe`,
    ];
  }
  if (isImageMissing(failure)) {
    return [
      "unreachable",
      `Fly can't fetch the image of Node just now (${text}): run the same command again in some minutes`,
    ];
  }
  if (status === 429) {
    return [
      "limit",
      `Fly asks for fewer requests and did not let this one through (cannot ${doing}): try again in a minute`,
    ];
  }
  if (status >= 500 || status === 408) {
    return [
      "unreachable",
      `Fly's API has a problem (HTTP ${status}${text === "" ? "" : `, ${text}`}) and did not ${doing}: run the same ` +
        "command again, it goes on where it stopped",
    ];
  }
  return [
    "internal",
    `cannot ${doing}: Fly says ${text === "" ? "nothing about why" : `"${text}"`} (HTTP ${status})`,
  ];
}

export function billing(org: string | undefined): string {
  return org === undefined ? "https://fly.io/dashboard" : `https://fly.io/dashboard/${org}/billing`;
}
