/** What Fly's API refuses, and why: told by its status code where it has one, else by its text (`errors.json`). */

export interface FailureFacts {
  /** HTTP status; 0: there was no answer. */
  readonly status: number;
  /** The API's own word, such as `name_taken`; it outranks the text. */
  readonly code: string;
  /** Cleaned of secrets. */
  readonly text: string;
  /** `fly-request-id`, for the vendor's support. */
  readonly requestId: string;
  /** The answer was lost, so what was asked for may have been done. */
  readonly isUncertain: boolean;
}

/** An answer that is not what was hoped for, or none. The callers know what it means; `explain.ts` says it to people. */
export class Failure extends Error {
  readonly facts: FailureFacts;

  constructor(facts: FailureFacts, options?: ErrorOptions) {
    super(`HTTP ${facts.status} ${facts.text}`, options);
    this.name = "Failure";
    this.facts = facts;
  }

  get status(): number {
    return this.facts.status;
  }

  get isUncertain(): boolean {
    return this.facts.isUncertain;
  }
}

export function isFailure(error: unknown, ...statuses: readonly number[]): error is Failure {
  return error instanceof Failure && (statuses.length === 0 || statuses.includes(error.status));
}

/** `false` where the failure has a code, whatever the text says. */
function says({ facts }: Failure, pattern: RegExp): boolean {
  return (facts.code === "" || facts.code === "unknown") && pattern.test(facts.text);
}

/** Of an app. Two that make it at the same moment can also meet in the database. */
export function isNameTaken(failure: Failure): boolean {
  if (failure.facts.code === "name_taken" || failure.status === 409) return true;
  return failure.status === 422 && says(failure, /already been taken|uniqueness constraint/i);
}

/** The region, or the host of a volume, has no room. */
export function isFull(failure: Failure): boolean {
  if (["insufficient_capacity", "volume_placement_capacity"].includes(failure.facts.code)) return true;
  return (
    [409, 412, 422].includes(failure.status) &&
    says(
      failure,
      /no capacity|could not find a candidate host|could not reserve resource|insufficient (cpus?|memory|ips|resources)/i,
    )
  );
}

export function isVolumeHostFull(failure: Failure): boolean {
  if (failure.facts.code !== "") return failure.facts.code === "volume_placement_capacity";
  return failure.status === 412 && /existing volume/i.test(failure.facts.text);
}

/** A machine of that name is there. */
export function isMachineThere(failure: Failure): boolean {
  return failure.status === 409 && says(failure, /already_exists|name violation|already exists/i);
}

export function isTooLarge(failure: Failure): boolean {
  if (failure.status === 413) return true;
  return (
    [400, 422].includes(failure.status) &&
    says(failure, /too (large|big|long)|maximum (size|length)|size limit|exceeds? (the )?(max|limit|size)/i)
  );
}

/** Registries answer so for moments; and so they do for an image that is not there. */
export function isImageMissing(failure: Failure): boolean {
  return says(
    failure,
    /MANIFEST_UNKNOWN|(pull|fetch|get|resolv)\w* (the )?(image|manifest)|image .*not found/i,
  );
}

export function needsPayment(failure: Failure): boolean {
  return (
    failure.status === 402 ||
    says(failure, /payment method|credit card|\bbilling\b.*(add|update)|unpaid|\btrial\b/i)
  );
}

export function isMachineLimit(failure: Failure): boolean {
  return says(failure, /machine limit|limit of machines|quota/i);
}
