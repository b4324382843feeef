/** The last lines of a tap, and the line that each stream is in the middle of. Bounded in lines and in their length. */

const LINES_MAX = 5_000;
const LINE_CHARS_MAX = 4_096;

interface Running {
  readonly decoder: TextDecoder;
  line: string;
  /** Of a binary stream, which is counted and not shown. */
  binaryBytes: number;
}

export class Screen {
  readonly #running = new Map<number, Running>();
  #lines: string[] = [];
  hasNews = false;

  put(stream: number, bytes: Uint8Array, isBinary: boolean): void {
    const running = this.#streamOf(stream);
    if (isBinary) {
      if (running.binaryBytes === 0) this.note("a binary stream begins");
      running.binaryBytes += bytes.length;
      return;
    }
    const pieces = (running.line + running.decoder.decode(bytes, { stream: true })).split("\n");
    running.line = pieces.pop() ?? "";
    for (const piece of pieces) this.#add(piece);
    if (running.line.length > LINE_CHARS_MAX) {
      this.#add(running.line);
      running.line = "";
    }
  }

  end(stream: number, cause: string | null): void {
    const running = this.#running.get(stream);
    if (running === undefined) return;
    this.#running.delete(stream);
    if (running.line !== "") this.#add(running.line);
    if (running.binaryBytes > 0) this.note(`a binary stream of ${running.binaryBytes} bytes ended`);
    if (cause !== null) this.note(`a stream ended: ${cause}`);
  }

  /** Said by the page, not by the pipe. */
  note(text: string): void {
    this.#add(`\u001b[2m— ${text} —\u001b[0m`);
  }

  take(): readonly string[] {
    this.hasNews = false;
    return [...this.#lines];
  }

  #streamOf(stream: number): Running {
    let running = this.#running.get(stream);
    if (running === undefined) {
      running = { decoder: new TextDecoder(), line: "", binaryBytes: 0 };
      this.#running.set(stream, running);
    }
    return running;
  }

  #add(line: string): void {
    this.#lines.push(line.slice(0, LINE_CHARS_MAX));
    if (this.#lines.length > LINES_MAX * 2) this.#lines = this.#lines.slice(-LINES_MAX);
    this.hasNews = true;
  }
}
