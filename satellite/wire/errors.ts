/** The registry of PROTOCOL.md §10: code → WebSocket close code, HTTP status, exit code. `null` where there is none. */
export const errorTable = {
  usage: { close: 4400, http: 400, exit: 2 },
  protocol: { close: 1002, http: 400, exit: 1 },
  "too-large": { close: 1009, http: 413, exit: 1 },
  unauthorized: { close: 4401, http: 401, exit: 4 },
  forbidden: { close: 4403, http: 403, exit: 4 },
  "not-found": { close: 4404, http: 404, exit: 1 },
  timeout: { close: 4408, http: 408, exit: 124 },
  aborted: { close: 4409, http: 502, exit: 5 },
  removed: { close: 4410, http: 410, exit: 5 },
  replaced: { close: 4411, http: 409, exit: 5 },
  expired: { close: 4412, http: 410, exit: 5 },
  behind: { close: 4413, http: 503, exit: 6 },
  tampered: { close: 4422, http: 422, exit: 5 },
  "no-key": { close: 4406, http: 406, exit: 5 },
  "not-sealed": { close: 4415, http: 415, exit: 5 },
  superseded: { close: 4414, http: 409, exit: 1 },
  version: { close: 4426, http: 426, exit: 3 },
  limit: { close: 4429, http: 429, exit: 1 },
  full: { close: 4507, http: 507, exit: 1 },
  "going-away": { close: 1012, http: 503, exit: 3 },
  unreachable: { close: null, http: null, exit: 3 },
  internal: { close: 1011, http: 500, exit: 1 },
} as const;

export type ErrorCode = keyof typeof errorTable;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text);
}

/** A failure with a stable code of PROTOCOL.md §10. The message is one sentence for a person. */
export class WireError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WireError";
    this.code = code;
  }
}
