/**
 * Saves a stream as a download of the browser, without holding it in memory: the page hands each chunk to its service
 * worker, which answers a request of the browser's with them, no faster than the browser takes them.
 */
import type { FromPage, FromWorker } from "./disk-words.ts";

/** A browser ends a worker that hears nothing for half a minute. */
const KEEP_MS = 10_000;
/** How long the browser may take to ask for the download. */
const ASK_MS = 15_000;

export interface Download {
  /** Resolves when the browser has taken the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** The file is whole. */
  close(): Promise<void>;
  /** The browser throws away what it has. */
  abort(): void;
}

/** Whether this browser, at this address, can do it: service workers want https, or this very computer. */
export const canSave: boolean = "serviceWorker" in navigator;

/** Rejects where the browser does not begin the download. */
export async function saveAs(name: string, size: number | undefined): Promise<Download> {
  const { active } = await ready();
  const channel = new MessageChannel();
  const id = crypto.randomUUID();
  const say = (message: FromPage, transfer: Transferable[] = []): void =>
    channel.port1.postMessage(message, transfer);
  const answers = new Answers(channel.port1);
  active?.postMessage({ id, name, size }, [channel.port2]);
  const keeping = window.setInterval(() => say({ type: "stay" }), KEEP_MS);
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.title = "download";
  frame.src = `/save/${id}`;
  document.body.append(frame);
  const finish = (): void => {
    clearInterval(keeping);
    window.setTimeout(() => frame.remove(), ASK_MS);
  };
  try {
    await answers.next(ASK_MS);
  } catch (error) {
    finish();
    throw error;
  }
  return {
    async write(bytes) {
      const copy = bytes.slice();
      say({ type: "bytes", bytes: copy }, [copy.buffer]);
      await answers.next();
    },
    async close() {
      say({ type: "close" });
      finish();
    },
    abort() {
      say({ type: "abort" });
      finish();
    },
  };
}

/** The worker's answers, one for each thing it was asked. */
class Answers {
  #waiting: ((answer: FromWorker) => void) | null = null;
  #early: FromWorker | null = null;

  constructor(port: MessagePort) {
    port.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
      if (this.#waiting === null) this.#early = data;
      else this.#waiting(data);
      this.#waiting = null;
    });
    port.start();
  }

  async next(withinMs?: number): Promise<void> {
    const answer = await new Promise<FromWorker>((resolve, reject) => {
      if (this.#early !== null) {
        resolve(this.#early);
        this.#early = null;
        return;
      }
      this.#waiting = resolve;
      if (withinMs === undefined) return;
      const late = new Error("The browser did not begin the download.");
      window.setTimeout(() => reject(late), withinMs);
    });
    if (answer === "cancelled")
      throw new Error("The download was cancelled: the stream is still in the pipe.");
  }
}

async function ready(): Promise<ServiceWorkerRegistration> {
  await navigator.serviceWorker.register("/worker.js");
  return navigator.serviceWorker.ready;
}
