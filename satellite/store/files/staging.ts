import {
  RECORD_HEADER_BYTES,
  type RecordLabel,
  recordBytes,
  writeRecord,
  writeRecordHeader,
} from "./record.ts";

const BLOCK_BYTES = 256 * 1024;
/** A frame up to this size is copied: that is cheaper than one more piece in the write. */
const COPY_BYTES_MAX = 8 * 1024;

/** Lays records side by side for one write: small ones in blocks, which are used again; large ones as they are. */
export class Staging {
  readonly #blocks: Buffer[] = [];
  #pieces: Uint8Array[] = [];
  #block: Buffer | null = null;
  #blocksUsed = 0;
  /** What of the block is a piece already, and what is filled. */
  #from = 0;
  #to = 0;
  bytes = 0;

  /** Everything that was written before is on disk or lost: begins anew. */
  begin(): void {
    this.#pieces = [];
    this.#block = null;
    this.#blocksUsed = 0;
    this.#from = 0;
    this.#to = 0;
    this.bytes = 0;
  }

  addBytes(bytes: Uint8Array): void {
    this.#cut();
    this.#pieces.push(bytes);
    this.bytes += bytes.length;
  }

  addRecord(frame: Uint8Array, label: RecordLabel, salt: number): void {
    const bytes = recordBytes(frame);
    if (frame.length <= COPY_BYTES_MAX) {
      const block = this.#room(bytes);
      writeRecord(block, this.#to, frame, label, salt);
      this.#to += bytes;
    } else {
      const block = this.#room(RECORD_HEADER_BYTES);
      writeRecordHeader(block, this.#to, frame, label, salt);
      this.#to += RECORD_HEADER_BYTES;
      this.#cut();
      this.#pieces.push(frame);
    }
    this.bytes += bytes;
  }

  /** All of it, in order. */
  pieces(): readonly Uint8Array[] {
    this.#cut();
    return this.#pieces;
  }

  /** A block with room for so many bytes. */
  #room(bytes: number): Buffer {
    if (this.#block !== null && this.#to + bytes <= BLOCK_BYTES) return this.#block;
    this.#cut();
    this.#block = this.#blocks[this.#blocksUsed] ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#blocks[this.#blocksUsed++] = this.#block;
    this.#from = 0;
    this.#to = 0;
    return this.#block;
  }

  #cut(): void {
    if (this.#block !== null && this.#to > this.#from) {
      this.#pieces.push(this.#block.subarray(this.#from, this.#to));
    }
    this.#from = this.#to;
  }
}
