/** Links for one pipe: made, shown as text and as a QR code, listed and ended. */
import { useEffect, useState } from "preact/hooks";
import { encode } from "uqr";
import { formatLink } from "../../../wire/link.ts";
import type { ShareRow } from "../../../wire/messages.ts";
import type { Right } from "../../../wire/rights.ts";
import { publicKeyOf } from "./seal.ts";
import type { Keyring } from "./seal-keys.ts";
import type { Session } from "./session.ts";
import { pipeText } from "./units.ts";

const DAY_MS = 86_400_000;
const LIVES: readonly (readonly [number, string])[] = [
  [DAY_MS / 24, "1 hour"],
  [DAY_MS, "1 day"],
  [7 * DAY_MS, "7 days"],
  [30 * DAY_MS, "30 days"],
  [0, "until it is ended"],
];
const RIGHTS: readonly (readonly [Right, string])[] = [
  ["read", "read it"],
  ["write", "write to it"],
  ["both", "read and write"],
];

export interface ShareProps {
  readonly session: Session;
  readonly pipe: string;
  readonly keyring: Keyring | null;
}

/** What is to be shared, as the form has it. */
interface Wish {
  readonly right: Right;
  /** Milliseconds; 0: until somebody ends it. */
  readonly lifeMs: number;
  readonly once: boolean;
}

export function Share({ session, pipe, keyring }: ShareProps) {
  const [link, setLink] = useState("");
  const [problem, setProblem] = useState("");
  const { shares, refresh } = useShares(session, pipe, setProblem);

  const tell = (error: unknown): void => setProblem(error instanceof Error ? error.message : String(error));
  const share = async ({ right, lifeMs, once }: Wish): Promise<void> => {
    setProblem("");
    const id = crypto.randomUUID();
    const { token } = await session.ask(
      (ref) => ({
        type: "share",
        ref,
        id,
        pipe,
        right,
        ...(lifeMs > 0 && { lifeMs }),
        ...(once && { once }),
      }),
      (message) => (message.type === "shared" ? message : null),
    );
    const key = (await keyForLink(keyring, pipe, right)) ?? null;
    setLink(formatLink({ url: `${location.origin}/`, token, key }));
    refresh();
  };
  const end = async (id: string): Promise<void> => {
    await session.ask(
      (ref) => ({ type: "unshare", ref, id }),
      (message) => (message.type === "unshared" ? message : null),
    );
    refresh();
  };
  return (
    <section aria-label="Share">
      <ShareForm pipe={pipe} onWish={(wish) => void share(wish).catch(tell)} />
      <p role="alert" class="bad">
        {problem}
      </p>
      {link !== "" && <Link link={link} />}
      <h3>Links to this pipe</h3>
      {shares.length === 0 && <p class="hint">There are none.</p>}
      <ul class="transfers">
        {shares.map((each) => (
          <li key={each.id}>
            <span>{describe(each)}</span>
            <button type="button" class="danger" onClick={() => void end(each.id).catch(tell)}>
              End it
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function keyForLink(
  keyring: Keyring | null,
  pipe: string,
  right: Right,
): Promise<string | null | undefined> {
  return right === "write" ? keyring?.writerText(pipe, publicKeyOf) : keyring?.readerText(pipe);
}

function ShareForm({ pipe, onWish }: { readonly pipe: string; readonly onWish: (wish: Wish) => void }) {
  const [right, setRight] = useState<Right>("read");
  const [lifeMs, setLifeMs] = useState(7 * DAY_MS);
  const [once, setOnce] = useState(false);
  return (
    <form
      class="bar"
      onSubmit={(event) => {
        event.preventDefault();
        onWish({ right, lifeMs, once });
      }}
    >
      <Select id="right" label="Somebody may" options={RIGHTS} value={right} onPick={setRight} />
      <Select id="life" label="for" options={LIVES} value={lifeMs} onPick={setLifeMs} />
      <label class="check">
        <input type="checkbox" checked={once} onChange={() => setOnce(!once)} /> once
      </label>
      <button type="submit">Make a link to {pipeText(pipe)}</button>
    </form>
  );
}

interface SelectProps<Value extends string | number> {
  readonly id: string;
  readonly label: string;
  readonly options: readonly (readonly [value: Value, text: string])[];
  readonly value: Value;
  readonly onPick: (value: Value) => void;
}

function Select<Value extends string | number>({ id, label, options, value, onPick }: SelectProps<Value>) {
  const pick = (at: number): void => onPick(options[at]?.[0] ?? value);
  return (
    <>
      <label for={id}>{label}</label>
      <select id={id} onChange={({ currentTarget }) => pick(currentTarget.selectedIndex)}>
        {options.map(([each, text]) => (
          <option key={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
    </>
  );
}

function Link({ link }: { readonly link: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <div>
      <label for="link">Whoever has this link can use the pipe. It is shown only now.</label>
      <input
        id="link"
        class="secret"
        readOnly
        value={link}
        onFocus={({ currentTarget }) => currentTarget.select()}
      />
      <div class="bar">
        <button
          type="button"
          onClick={() => void navigator.clipboard.writeText(link).then(() => setCopied(true))}
        >
          Copy
        </button>
        <span role="status" class="good">
          {isCopied && "Copied"}
        </span>
      </div>
      <QrCode text={link} />
    </div>
  );
}

function QrCode({ text }: { readonly text: string }) {
  const { data, size } = encode(text, { ecc: "L", border: 3 });
  const squares = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")));
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="The link as a QR code">
      <path d={squares.join("")} />
    </svg>
  );
}

/** The shares of one pipe, asked for when something may have changed. */
function useShares(session: Session, pipe: string, onProblem: (problem: string) => void) {
  const [shares, setShares] = useState<readonly ShareRow[]>([]);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const all: ShareRow[] = [];
    session
      .ask(
        (ref) => ({ type: "shares", ref }),
        (message) => {
          if (message.type !== "sharing") return null;
          all.push(...message.shares);
          return message.last ? all : null;
        },
      )
      .then(
        (rows) => setShares(rows.filter((row) => row.pipe === pipe)),
        (error: Error) => onProblem(error.message),
      );
  }, [session, pipe, turn]);
  return { shares, refresh: () => setTurn((now) => now + 1) };
}

function describe({ right, createdMs, expiresMs, once, used }: ShareRow): string {
  const what = RIGHTS.find(([value]) => value === right)?.[1] ?? right;
  const until =
    expiresMs === undefined ? "until it is ended" : `until ${new Date(expiresMs).toLocaleString()}`;
  const times = once === true ? (used === true ? ", once: used" : ", once") : "";
  return `${what}, made ${new Date(createdMs).toLocaleString()}, ${until}${times}`;
}
