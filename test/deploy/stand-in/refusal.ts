/** An answer that is not what was hoped for, in the vendor's form. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = typeof body === "string" ? { error: body } : body;
    this.headers = headers;
  }
}
