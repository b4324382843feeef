/** What goes into a pipe from here: a text, files, or all files of a folder. */
import { useRef, useState } from "preact/hooks";
import { sealerFor } from "./seal.ts";
import type { Keyring } from "./seal-keys.ts";
import type { Session } from "./session.ts";
import { fileSource, type Source, textSource } from "./sources.ts";
import { bytesText, percentText, pipeText } from "./units.ts";
import { upload } from "./upload.ts";

interface Sending {
  readonly id: number;
  readonly title: string;
  readonly size: number;
  readonly stop: () => void;
  readonly safeBytes: number;
  /** `null` while it is under way. */
  readonly outcome: { isGood: boolean; text: string } | null;
  readonly isFull: boolean;
}

/** Files that are sent at the same time; the others wait for their turn. */
const AT_ONCE_MAX = 3;

export interface SendProps {
  readonly session: Session;
  readonly pipe: string;
  readonly keyring: Keyring | null;
}

export function Send({ session, pipe, keyring }: SendProps) {
  const [text, setText] = useState("");
  const [isOver, setOver] = useState(false);
  const { sendings, send } = useSendings(session, pipe, keyring);
  const folder = useRef<HTMLInputElement>(null);

  const sendFiles = (files: Iterable<File>): void => {
    for (const file of files) send(file.webkitRelativePath || file.name, fileSource(file));
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry());
    void filesOf(entries).then(sendFiles);
  };
  return (
    <section
      class={isOver ? "send over" : "send"}
      aria-label="Send"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send("text", textSource(text));
          setText("");
        }}
      >
        <label for="text">A text, as one stream</label>
        <textarea
          id="text"
          rows={4}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <button type="submit">Send to {pipeText(pipe)}</button>
      </form>
      <div class="bar">
        <label class="button">
          Choose files
          <input type="file" multiple onChange={({ currentTarget }) => takeFiles(currentTarget, sendFiles)} />
        </label>
        <label class="button">
          Choose a folder
          <input
            type="file"
            ref={(input) => {
              folder.current = input;
              if (input) input.webkitdirectory = true;
            }}
            onChange={({ currentTarget }) => takeFiles(currentTarget, sendFiles)}
          />
        </label>
        <span class="hint">or drop files or a folder here. Each file is a stream of its own.</span>
      </div>
      <ul class="transfers" aria-live="polite">
        {sendings.map((each) => (
          <SendingRow key={each.id} sending={each} />
        ))}
      </ul>
    </section>
  );
}

function SendingRow({ sending }: { readonly sending: Sending }) {
  const { title, size, safeBytes, outcome, isFull, stop } = sending;
  const state = isFull ? "waiting: the satellite is full and nobody reads" : percentText(safeBytes, size);
  return (
    <li class={outcome === null ? "" : outcome.isGood ? "good" : "bad"}>
      <span class="name">{title}</span> <span>{bytesText(size)}</span>
      {outcome === null ? (
        <>
          <progress value={safeBytes} max={Math.max(size, 1)} aria-label={`${title} sent`} />{" "}
          <span>{state}</span>
          <button type="button" onClick={stop}>
            Stop
          </button>
        </>
      ) : (
        <span>{outcome.text}</span>
      )}
    </li>
  );
}

function useSendings(session: Session, pipe: string, keyring: Keyring | null) {
  const [sendings, setSendings] = useState<readonly Sending[]>([]);
  const waiting = useRef<(() => Promise<void>)[]>([]);
  const running = useRef(0);
  const lastId = useRef(0);

  const send = (title: string, source: Source): void => {
    const id = ++lastId.current;
    const change = (part: Partial<Sending>): void =>
      setSendings((all) => all.map((each) => (each.id === id ? { ...each, ...part } : each)));
    const end = (isGood: boolean, text: string): void => {
      running.current--;
      change({ outcome: { isGood, text }, isFull: false });
      void waiting.current.shift()?.();
    };
    const begin = async (): Promise<void> => {
      running.current++;
      const key = (await keyring?.writer(pipe)) ?? null;
      if (keyring !== null && key === null) return end(false, "The key that was given is for another pipe.");
      const sealer = key === null ? null : await sealerFor(key, pipe, source.info);
      const stop = upload(session, pipe, source, sealer, {
        progress: (safeBytes, isFull) => change({ safeBytes, isFull }),
        done: () => end(true, sealer === null ? "is safe" : "is safe, and sealed"),
        failed: (message) => end(false, message),
      });
      change({ stop });
    };
    const cancel = (): void => {
      waiting.current = waiting.current.filter((each) => each !== begin);
      change({ outcome: { isGood: false, text: "Stopped." } });
    };
    const sending = {
      id,
      title,
      size: source.info.size,
      stop: cancel,
      safeBytes: 0,
      outcome: null,
      isFull: false,
    };
    setSendings((all) => [sending, ...all]);
    if (running.current < AT_ONCE_MAX) void begin();
    else waiting.current.push(begin);
  };
  return { sendings, send };
}

function takeFiles(input: HTMLInputElement, take: (files: Iterable<File>) => void): void {
  take(input.files ?? []);
  input.value = "";
}

/** All files in what was dropped, also in folders. */
async function filesOf(entries: readonly (FileSystemEntry | null)[]): Promise<File[]> {
  const files: File[] = [];
  for (const entry of entries) {
    if (entry === null) continue;
    if (entry.isFile) {
      files.push(
        await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
      );
    } else {
      files.push(...(await filesOf(await childrenOf(entry as FileSystemDirectoryEntry))));
    }
  }
  return files;
}

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all; // it gives at most a hundred at a time
    all.push(...some);
  }
}
