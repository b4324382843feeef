/** Requests that go on: a body that a test writes as it likes, a response that it reads as it comes. */
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from "node:http";
import { onTestFinished } from "vitest";
import { within } from "../support/until.ts";
import { type Answered, place } from "./ask.ts";

/** A write under way. */
export class Upload {
  readonly request: ClientRequest;
  /** The final answer; 100 does not count. */
  readonly answered: Promise<Answered>;
  /** Resolves when the server has said 100. */
  readonly continued: Promise<void>;
  isContinued = false;
  isAnswered = false;

  constructor(url: string, path: string, headers: OutgoingHttpHeaders = {}) {
    this.request = request({ ...place(url), path, method: "PUT", headers, agent: false });
    this.request.on("error", () => {}); // told by `answered`
    this.continued = new Promise((resolve) => {
      this.request.once("continue", () => {
        this.isContinued = true;
        resolve();
      });
    });
    this.answered = new Promise((resolve, reject) => {
      this.request.once("error", reject);
      this.request.once("response", (response) => {
        this.isAnswered = true;
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.once("end", () => {
          const { statusCode: status = 0, headers: answered } = response;
          resolve({ status, headers: answered, body: Buffer.concat(parts).toString() });
        });
      });
    });
    this.answered.catch(() => {}); // whoever waits for it hears of it
    this.request.flushHeaders();
    onTestFinished(() => {
      this.request.destroy();
    });
  }

  write(bytes: string | Uint8Array): this {
    this.request.write(bytes);
    return this;
  }

  async finish(bytes?: string | Uint8Array): Promise<Answered> {
    this.request.end(bytes);
    return within("the answer to a write", this.answered);
  }
}

/** A read under way. */
export class Download {
  readonly request: ClientRequest;
  /** Resolves with the head of the response. */
  readonly begun: Promise<{ status: number; headers: IncomingHttpHeaders }>;
  /** `whole`: the response ended as it should. `cut`: it did not. */
  readonly ended: Promise<"whole" | "cut">;
  receivedBytes = 0;
  readonly #parts: Buffer[] = [];
  #response: IncomingMessage | undefined;
  readonly #holds: boolean;

  /** @param holds read nothing before `release` */
  constructor(url: string, path: string, headers: OutgoingHttpHeaders = {}, holds = false) {
    this.#holds = holds;
    this.request = request({ ...place(url), path, headers, agent: false });
    this.request.on("error", () => {}); // told by `begun` and `ended`
    this.begun = new Promise((resolve, reject) => {
      this.request.once("error", reject);
      this.request.once("response", (response) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers });
      });
    });
    this.begun.catch(() => {});
    this.ended = new Promise((resolve) => {
      this.request.once("error", () => resolve("cut"));
      this.request.once("response", (response) => {
        this.#response = response;
        response.on("error", () => {});
        response.once("close", () => resolve(response.complete ? "whole" : "cut"));
        if (!this.#holds) this.release();
      });
    });
    this.request.end();
    onTestFinished(() => {
      this.request.destroy();
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  get text(): string {
    return this.bytes.toString();
  }

  release(): void {
    this.#response?.on("data", (part: Buffer) => {
      this.receivedBytes += part.length;
      this.#parts.push(part);
    });
  }

  /** The status, when the response has begun. */
  async status(): Promise<number> {
    return (await within("the head of a response", this.begun)).status;
  }

  async end(): Promise<"whole" | "cut"> {
    return within("the end of a response", this.ended);
  }

  /** The client goes away, without reading on. */
  leave(): void {
    this.request.destroy();
  }
}
