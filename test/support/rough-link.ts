/** A TCP link between an end and its satellite that cuts, stalls and half-closes when it is told to. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  near: Socket;
  far: Socket;
}

export class RoughLink {
  /** Bytes that went through, both ways. */
  carriedBytes = 0;
  connections = 0;
  cuts = 0;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #targetPort: number;
  #cutsAt: number[] = [];
  #stalled = false;
  #isDown = false;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    server.on("connection", (near) => this.#carry(near));
  }

  static async to(targetPort: number): Promise<RoughLink> {
    const server = createServer({ noDelay: true });
    const link = new RoughLink(server, targetPort);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection each time so many bytes in all have gone through. */
  cutAt(carriedBytes: readonly number[]): void {
    this.#cutsAt = [...carriedBytes].toSorted((a, b) => a - b);
  }

  /** Both sides get a reset: what was on its way is lost. */
  cut(): void {
    this.cuts++;
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** Cuts, and lets nobody through until `up`. */
  down(): void {
    this.#isDown = true;
    this.cut();
  }

  up(): void {
    this.#isDown = false;
  }

  /** Each side is told that the other has finished. */
  halfClose(): void {
    for (const { near, far } of this.#pairs) {
      near.end();
      far.end();
    }
  }

  /** Nothing goes through, nothing is closed. */
  stall(): void {
    this.#stalled = true;
    for (const { near, far } of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  go(): void {
    this.#stalled = false;
    for (const { near, far } of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    this.#server.close();
    await once(this.#server, "close");
  }

  #carry(near: Socket): void {
    if (this.#isDown) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: "127.0.0.1", port: this.#targetPort, noDelay: true });
    const pair: Pair = { near, far };
    this.connections++;
    this.#pairs.add(pair);
    this.#forward(near, far, pair);
    this.#forward(far, near, pair);
    if (this.#stalled) this.stall();
  }

  #forward(from: Socket, to: Socket, pair: Pair): void {
    from.on("data", (chunk: Buffer) => {
      this.carriedBytes += chunk.length;
      const next = this.#cutsAt[0];
      if (next !== undefined && this.carriedBytes >= next) {
        this.#cutsAt.shift();
        this.cut();
        return;
      }
      if (!to.write(chunk)) {
        from.pause();
        to.once("drain", () => {
          if (!this.#stalled) from.resume();
        });
      }
    });
    from.on("end", () => to.end());
    from.on("error", () => undefined); // resets are what this is for
    from.on("close", () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }
}
