/** Requests to Fly's Machines API: authorised, paced, tried again where that is safe, and free of secrets in failure. */
import { type Dispatcher, request } from "undici";
import { WireError } from "../../satellite/wire/errors.ts";
import { backOffMs, type Clock } from "./clock.ts";
import { Failure } from "./failure.ts";
import { CONNECT_TIMEOUT, networkAgent } from "./network.ts";
import type { Redactor } from "./redact.ts";
import { authorization } from "./token.ts";

const API = "https://api.machines.dev";
/** Fly allows one request a second for each action and machine, and three at once. */
const TOO_MANY_ATTEMPTS_MAX = 8;
const TOO_MANY_BASE_MS = 1_000;
const ATTEMPTS_MAX = 5;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 15_000;
const RETRY_AFTER_MAX_MS = 60_000;
const CONNECT_MS = 10_000;
/** A wait of the API's own takes up to a minute. */
const ANSWER_MS = 75_000;
/** For a look that a command waits for: as long as a satellite is tried (DESIGN.md §5). */
const LOOK_MS = 10_000;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export interface ApiOptions {
  readonly token: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** Nothing is changed, and somebody waits: an API that does not answer is given up soon. Default false. */
  readonly isLook?: boolean;
}

export interface Call {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Method = "GET" | "POST" | "DELETE";

export class FlyApi {
  readonly clock: Clock;
  readonly redactor: Redactor;
  readonly host: string;
  readonly #base: string;
  readonly #authorization: string;
  readonly #dispatcher: Dispatcher;
  readonly #isLook: boolean;

  constructor({ token, env, clock, redactor, isLook = false }: ApiOptions) {
    this.clock = clock;
    this.redactor = redactor;
    this.#base = baseOf(env);
    this.host = new URL(this.#base).host;
    this.#authorization = authorization(token);
    redactor.add(token, ...token.split(","));
    this.#dispatcher = networkAgent(env, CONNECT_MS);
    this.#isLook = isLook;
  }

  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  async get(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    return this.#call("GET", path, { query });
  }

  /** A failure with `isUncertain` may have been carried out: look before it is asked for again. */
  async post(path: string, call: Call): Promise<unknown> {
    return this.#call("POST", path, call);
  }

  async delete(path: string, call: Call = {}): Promise<unknown> {
    return this.#call("DELETE", path, call);
  }

  async #call(method: Method, path: string, call: Call): Promise<unknown> {
    const startMs = this.clock.nowMs();
    let tooMany = 0;
    for (let attempt = 0; ; ) {
      const answer = await this.#once(method, path, call);
      if (!(answer instanceof Failure)) return answer;
      const pauseMs = this.#pauseMs(method, answer, answer.status === 429 ? tooMany++ : attempt++);
      const isLate = this.#isLook && answer.status !== 429 && this.clock.nowMs() - startMs >= LOOK_MS;
      if (pauseMs === null || isLate) throw answer;
      await this.clock.sleep(pauseMs);
    }
  }

  /** `null`: it is of no use, or not safe, to try again. */
  #pauseMs(method: Method, failure: RetriableFailure | Failure, attempt: number): number | null {
    const { status, isUncertain } = failure.facts;
    if (status === 429) {
      if (attempt >= TOO_MANY_ATTEMPTS_MAX) return null;
      const afterMs = failure instanceof RetriableFailure ? failure.afterMs : null;
      return afterMs ?? backOffMs(this.clock, attempt, TOO_MANY_BASE_MS, RETRY_MAX_MS);
    }
    const isPassing = status === 0 || status >= 500;
    if (!isPassing || (isUncertain && method === "POST") || attempt + 1 >= ATTEMPTS_MAX) return null;
    return backOffMs(this.clock, attempt, RETRY_BASE_MS, RETRY_MAX_MS);
  }

  async #once(method: Method, path: string, { query, body, headers }: Call): Promise<unknown> {
    const answerMs = this.#isLook ? LOOK_MS : ANSWER_MS;
    try {
      const answer = await request(`${this.#base}/v1${path}`, {
        method,
        dispatcher: this.#dispatcher,
        headersTimeout: answerMs,
        bodyTimeout: answerMs,
        ...(query === undefined ? {} : { query }),
        headers: {
          authorization: this.#authorization,
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await readText(answer.body);
      const json = parse(text);
      if (answer.statusCode < 300) return json;
      return this.#refusal(answer.statusCode, answer.headers, json, text);
    } catch (error) {
      return this.#noAnswer(error);
    }
  }

  #refusal(
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    json: unknown,
    text: string,
  ): Failure {
    const body = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
    const said = [body["message"], body["error"]].find((each) => typeof each === "string" && each !== "");
    return new RetriableFailure(
      {
        status,
        code: typeof body["status"] === "string" ? body["status"] : "",
        text: this.redactor.clean(typeof said === "string" ? said : json === undefined ? text : ""),
        requestId: this.redactor.clean(String(headers["fly-request-id"] ?? "")),
        isUncertain: status >= 500 || status === 408,
      },
      retryAfterMs(headers["retry-after"]),
    );
  }

  /** A proxy or a certificate that is wrong does not get better by trying. */
  #noAnswer(error: unknown): Failure {
    if (error instanceof WireError) throw error;
    const code = codeOf(error);
    const facts = {
      status: 0,
      code: "",
      text: reasons[code] ?? this.redactor.clean(code || String(error)),
      requestId: "",
      isUncertain: !neverSent.has(code),
    };
    return new Failure(facts, { cause: error });
  }
}

class RetriableFailure extends Failure {
  /** Of `Retry-After`. */
  readonly afterMs: number | null;

  constructor(facts: Failure["facts"], afterMs: number | null) {
    super(facts);
    this.afterMs = afterMs;
  }
}

function baseOf(env: NodeJS.ProcessEnv): string {
  const given = env["FLY_API_HOSTNAME"]?.trim() ?? "";
  if (given === "") return API;
  const text = given.includes("://") ? given : `https://${given}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw new WireError("usage", `FLY_API_HOSTNAME is no address of an API: unset it, or set it to ${API}`);
  }
  if (url.protocol === "http:" && !isTrusted(url.hostname) && env["SKYPIPE_INSECURE"] !== "1") {
    throw new WireError(
      "usage",
      `the Fly token would travel to ${url.host} unencrypted: use https: in FLY_API_HOSTNAME, or set SKYPIPE_INSECURE=1`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** Loopback, and Fly's own network, which is encrypted below. */
function isTrusted(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\]|.+\.internal)$/.test(hostname);
}

async function readText(body: Dispatcher.ResponseData["body"]): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += (part as Buffer).length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** `undefined`: it is no JSON. */
function parse(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds, or a date. */
function retryAfterMs(header: string | string[] | undefined): number | null {
  const text = String(header ?? "").trim();
  if (text === "") return null;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms)) : null;
}

function codeOf(error: unknown): string {
  const causes = [error, error instanceof Error ? error.cause : undefined, ...errorsIn(error)];
  const codes = causes.map((each) => (each instanceof Error && "code" in each ? String(each.code) : ""));
  return codes.find((code) => reasons[code] !== undefined) ?? codes.find((code) => code !== "") ?? "";
}

/** Of the addresses that were tried side by side. */
function errorsIn(error: unknown): readonly unknown[] {
  if (error instanceof AggregateError) return error.errors;
  if (error instanceof Error && error.cause instanceof AggregateError) return error.cause.errors;
  return [];
}

const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  CONNECT_TIMEOUT,
]);

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  EPIPE: "the connection was cut",
  ENOTFOUND: "its name is not known here",
  EAI_AGAIN: "names can't be looked up just now",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no network",
  ETIMEDOUT: "it does not answer",
  [CONNECT_TIMEOUT]: "it does not answer",
  UND_ERR_HEADERS_TIMEOUT: "it does not answer",
  UND_ERR_BODY_TIMEOUT: "it does not answer",
};
