import type { ServerResponse } from "node:http";
import { type Chunk, payloadOf } from "../wire/frame.ts";

/** Bytes that the connection has taken after which an ack is due even while more is waiting. */
const ACK_BYTES = 32 * 1024;

export interface DrainEars {
  ack(stream: number, offset: number, end: boolean): void;
  /** Too much waits in the socket, or not any more. */
  congest(type: "congested" | "drained"): void;
}

/** Writes chunks to a response, and has them acknowledged as its connection takes them [H-14]. */
export class Drain {
  readonly #response: ServerResponse;
  readonly #queueBytesMax: number;
  readonly #ears: DrainEars;
  /** What was taken of each stream since its last ack. */
  readonly #taken: Map<number, { readonly from: number; to: number }> = new Map();
  /** Ends that are acknowledged when so many writes were taken. */
  readonly #ends: { readonly after: number; readonly stream: number; readonly offset: number }[] = [];
  #writes = 0;
  #takenWrites = 0;
  #isCongested = false;

  constructor(response: ServerResponse, queueBytesMax: number, ears: DrainEars) {
    this.#response = response;
    this.#queueBytesMax = queueBytesMax;
    this.#ears = ears;
  }

  /** Writes `bytes` for a chunk: its payload, unless it is shown in another way. */
  write(chunk: Chunk, bytes: Uint8Array = payloadOf(chunk)): void {
    this.#writes++;
    this.#response.write(bytes, (error) => {
      if (!error) this.#wasTaken(chunk);
    });
    if (this.#isCongested || this.#response.writableLength <= this.#queueBytesMax) return;
    this.#isCongested = true;
    this.#ears.congest("congested");
  }

  /** A stream has ended at `offset`: that is acknowledged when everything before it was taken. */
  end(stream: number, offset: number): void {
    if (this.#takenWrites === this.#writes) this.ackEnd(stream, offset);
    else this.#ends.push({ after: this.#writes, stream, offset });
  }

  ackEnd(stream: number, offset: number): void {
    this.#taken.delete(stream);
    this.#ears.ack(stream, offset, true);
  }

  #wasTaken(chunk: Chunk): void {
    this.#takenWrites++;
    const taken = this.#taken.get(chunk.stream) ?? { from: chunk.offset, to: chunk.end };
    taken.to = chunk.end;
    this.#taken.set(chunk.stream, taken);
    if (taken.to - taken.from >= ACK_BYTES) this.#ack(chunk.stream, taken.to);
    if (this.#takenWrites === this.#writes) {
      for (const [stream, { to }] of this.#taken) this.#ack(stream, to);
    }
    for (let end = this.#ends[0]; end !== undefined && end.after <= this.#takenWrites; end = this.#ends[0]) {
      this.#ends.shift();
      this.ackEnd(end.stream, end.offset);
    }
    if (!this.#isCongested || this.#response.writableLength * 2 >= this.#queueBytesMax) return;
    this.#isCongested = false;
    this.#ears.congest("drained");
  }

  #ack(stream: number, offset: number): void {
    this.#taken.delete(stream);
    this.#ears.ack(stream, offset, false);
  }
}
