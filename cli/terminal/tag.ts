import type { StreamBegins } from "../../satellite/wire/messages.ts";

const NEWLINE = 0x0a;

/** `recv --tag`: the writer's host before each line of a text stream. A line may come in several chunks. */
export class Tagger {
  /** Streams that stand in the middle of a line. */
  readonly #inLine = new Set<number>();

  tag(stream: StreamBegins, bytes: Uint8Array): Uint8Array {
    const prefix = Buffer.from(`${stream.host ?? "?"}: `);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (!this.#inLine.has(stream.stream)) parts.push(prefix);
      const lineEnd = bytes.indexOf(NEWLINE, at) + 1;
      const end = lineEnd > 0 ? lineEnd : bytes.length;
      parts.push(bytes.subarray(at, end));
      if (lineEnd > 0) this.#inLine.delete(stream.stream);
      else this.#inLine.add(stream.stream);
      at = end;
    }
    return Buffer.concat(parts);
  }

  end(stream: StreamBegins): void {
    this.#inLine.delete(stream.stream);
  }
}
