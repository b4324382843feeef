/** One pipe: look, send, receive, share, and drop what is in it. */
import { useRef, useState } from "preact/hooks";
import type { Access } from "./access.ts";
import type { Connect } from "./hooks.ts";
import { Receive } from "./receive.tsx";
import type { Keyring } from "./seal-keys.ts";
import { Send } from "./send.tsx";
import type { Session } from "./session.ts";
import { Share } from "./share.tsx";
import { Tail } from "./tail.tsx";
import { bytesText, pipeText } from "./units.ts";

export interface PipePanelProps {
  readonly session: Session;
  readonly connect: Connect;
  readonly access: Access;
  readonly keyring: Keyring | null;
  readonly pipe: string;
  /** `null`: there is no other pipe to go back to. */
  readonly onClose: (() => void) | null;
}

type Tab = "look" | "send" | "receive" | "share";
const TITLES: Readonly<Record<Tab, string>> = {
  look: "Look",
  send: "Send",
  receive: "Receive",
  share: "Share",
};

export function PipePanel({ session, connect, access, keyring, pipe, onClose }: PipePanelProps) {
  const tabs = tabsOf(access);
  const [tab, setTab] = useState<Tab>(tabs[0] ?? "send");
  return (
    <section class="panel" aria-label={`Pipe ${pipeText(pipe)}`}>
      <div class="bar">
        {onClose !== null && (
          <button type="button" class="back" onClick={onClose}>
            All pipes
          </button>
        )}
        <h2>{pipeText(pipe)}</h2>
        {access.pipe === null && <Drop session={session} pipe={pipe} />}
      </div>
      <TabList tabs={tabs} chosen={tab} onChoose={setTab} />
      <div role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`}>
        {tab === "look" && <Tail session={session} pipe={pipe} keyring={keyring} />}
        {tab === "send" && <Send session={session} pipe={pipe} keyring={keyring} />}
        {tab === "receive" && <Receive connect={connect} pipe={pipe} keyring={keyring} />}
        {tab === "share" && <Share session={session} pipe={pipe} keyring={keyring} />}
      </div>
    </section>
  );
}

function tabsOf({ right, pipe }: Access): Tab[] {
  const may: Readonly<Record<Tab, boolean>> = {
    look: right !== "write",
    send: right !== "read",
    receive: right !== "write",
    share: pipe === null,
  };
  return (Object.keys(may) as Tab[]).filter((tab) => may[tab]);
}

interface TabListProps {
  readonly tabs: readonly Tab[];
  readonly chosen: Tab;
  readonly onChoose: (tab: Tab) => void;
}

/** Arrow keys go from tab to tab, as the ARIA pattern of tabs has it. */
function TabList({ tabs, chosen, onChoose }: TabListProps) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = (tabs.indexOf(chosen) + step + tabs.length) % tabs.length;
    onChoose(tabs[at] ?? chosen);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[at]?.focus();
  };
  return (
    <div role="tablist" ref={list} aria-label="What to do with this pipe" onKeyDown={move}>
      {tabs.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`tab-${tab}`}
          aria-controls={`panel-${tab}`}
          aria-selected={tab === chosen}
          tabIndex={tab === chosen ? 0 : -1}
          onClick={() => onChoose(tab)}
        >
          {TITLES[tab]}
        </button>
      ))}
    </div>
  );
}

function Drop({ session, pipe }: { readonly session: Session; readonly pipe: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [outcome, setOutcome] = useState("");
  const drop = async (): Promise<void> => {
    dialog.current?.close();
    const text = await session
      .ask(
        (ref) => ({ type: "remove", ref, pipe }),
        (message) => (message.type === "removed" ? message : null),
      )
      .then(
        ({ streams, bytes }) => `Dropped ${streams} streams, ${bytesText(bytes)}.`,
        (error: Error) => error.message,
      );
    setOutcome(text);
  };
  return (
    <>
      <span role="status" class="hint">
        {outcome}
      </span>
      <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
        Drop
      </button>
      <dialog ref={dialog} aria-label="Drop what is in this pipe?">
        <p>Drop everything that is in {pipeText(pipe)}? Nobody gets it then.</p>
        <div class="bar">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" class="danger" onClick={() => void drop()}>
            Drop it
          </button>
        </div>
      </dialog>
    </>
  );
}
