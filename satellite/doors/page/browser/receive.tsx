/** Takes one delivery out of a pipe: onto the disk, or, if it is a short text, into the page. */
import { useRef, useState } from "preact/hooks";
import type { StreamBegins } from "../../../wire/messages.ts";
import { canSave, type Download, saveAs } from "./disk.ts";
import { read } from "./download.ts";
import { type Connect, useUnmount } from "./hooks.ts";
import type { Sink } from "./opening.ts";
import type { Keyring } from "./seal-keys.ts";
import { bytesText, percentText, pipeText } from "./units.ts";

/** A text of more than this is not shown, and stays in the pipe. */
const SHOWN_BYTES_MAX = 1024 * 1024;

interface Receiving {
  readonly name: string;
  readonly bytes: number;
  readonly size: number | undefined;
  readonly text: string | null;
  readonly outcome: { readonly isGood: boolean; readonly text: string } | null;
}

const NOTHING: Receiving = { name: "", bytes: 0, size: undefined, text: null, outcome: null };

export interface ReceiveProps {
  readonly connect: Connect;
  readonly pipe: string;
  readonly keyring: Keyring | null;
}

export function Receive({ connect, pipe, keyring }: ReceiveProps) {
  const [takesPlain, setTakesPlain] = useState(false);
  const [receiving, setReceiving] = useState<Receiving | null>(null);
  const stop = useRef(() => {});
  useUnmount(() => stop.current());

  const change = (part: Partial<Receiving>): void =>
    setReceiving((now) => ({ ...(now ?? NOTHING), ...part }));
  /** A reader of its own connection, as a session has one reader on a pipe and the live view is another. */
  const begin = (makeSink: (change: (part: Partial<Receiving>) => void) => Sink): void => {
    setReceiving(NOTHING);
    const session = connect();
    const sink = makeSink(change);
    const end = (outcome: Receiving["outcome"]): void => {
      change({ outcome });
      session.close();
      stop.current = () => {};
    };
    stop.current = read(
      session,
      "plain",
      { pipe, keyring, takesPlain },
      {
        ...sink,
        async done() {
          await sink.done();
          end({ isGood: true, text: "Complete." });
        },
        failed(message) {
          sink.failed(message);
          end({ isGood: false, text: message });
        },
      },
    );
  };
  const isRunning = receiving !== null && receiving.outcome === null;
  return (
    <section class="receive" aria-label="Receive">
      <p class="hint">
        Takes the next delivery out of {pipeText(pipe)}, as <code>skypipe</code> would, and waits for it if
        there is none yet.
      </p>
      <div class="bar">
        {canSave && (
          <button type="button" disabled={isRunning} onClick={() => begin((tell) => fileSink(pipe, tell))}>
            Receive as a file
          </button>
        )}
        <button type="button" disabled={isRunning} onClick={() => begin(textSink)}>
          Receive and show a text
        </button>
        {isRunning && (
          <button type="button" onClick={() => stop.current()}>
            Stop
          </button>
        )}
      </div>
      {keyring !== null && (
        <label class="check">
          <input type="checkbox" checked={takesPlain} onChange={() => setTakesPlain(!takesPlain)} /> also what
          is not sealed
        </label>
      )}
      {!canSave && <p class="hint">To save files, open this page over https.</p>}
      {receiving !== null && <Report receiving={receiving} />}
    </section>
  );
}

function Report({ receiving }: { readonly receiving: Receiving }) {
  const { name, bytes, size, text, outcome } = receiving;
  return (
    <>
      <p role="status" class={outcome === null ? "" : outcome.isGood ? "good" : "bad"}>
        {name !== "" && <span class="name">{name}</span>} {bytesText(bytes)}{" "}
        {size !== undefined && percentText(bytes, size)} {outcome?.text ?? (name === "" ? "Waiting …" : "")}
      </p>
      {size !== undefined && outcome === null && (
        <progress value={bytes} max={Math.max(size, 1)} aria-label="received" />
      )}
      {text !== null && (
        <>
          <pre class="screen" tabIndex={0} aria-label="The text">
            {text}
          </pre>
          <button type="button" onClick={() => void navigator.clipboard.writeText(text)}>
            Copy
          </button>
        </>
      )}
    </>
  );
}

/** What is cut off by an abort is never a file under its name: the browser throws the download away. */
function fileSink(pipe: string, change: (part: Partial<Receiving>) => void): Sink {
  let download: Download | null = null;
  let bytes = 0;
  let isBroken = false;
  return {
    async begin(info: StreamBegins) {
      if (download !== null) return; // a merge is one file
      const name = info.name ?? `${pipe === "" ? "skypipe" : pipe.replaceAll("/", "-")}${suffixOf(info)}`;
      change({ name, size: info.size });
      download = await saveAs(name, info.kind === "binary" ? info.size : undefined);
    },
    async write(piece) {
      await download?.write(piece);
      bytes += piece.length;
      change({ bytes });
    },
    end(_info, cause) {
      isBroken ||= cause !== null;
    },
    async done() {
      if (isBroken) download?.abort();
      else await download?.close();
      if (isBroken) change({ name: "" });
    },
    failed() {
      download?.abort();
    },
  };
}

function textSink(change: (part: Partial<Receiving>) => void): Sink {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  return {
    begin: (info) => change({ name: info.name ?? "text" }),
    write(piece, info) {
      bytes += piece.length;
      if (bytes > SHOWN_BYTES_MAX || info.kind === "binary") {
        throw new Error("That is not a short text: it is still in the pipe. Receive it as a file.");
      }
      text += decoder.decode(piece, { stream: true });
      change({ bytes });
    },
    end(_info, cause) {
      if (cause !== null) change({ name: `text (its writer ended early: ${cause})` });
    },
    done: () => change({ text }),
    failed: () => {},
  };
}

function suffixOf({ kind }: StreamBegins): string {
  return kind === "binary" ? "" : ".txt";
}
