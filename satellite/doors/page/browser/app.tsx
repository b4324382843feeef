/** The page: who is signed in, which pipe is looked at, and what is done with it. */
import { render } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { type Access, accessOf, forgetAccess, keepAccess, recallAccess } from "./access.ts";
import { PipeList } from "./pipe-list.tsx";
import { PipePanel } from "./pipe-panel.tsx";
import { usePipes } from "./pipes.ts";
import { Keyring } from "./seal-keys.ts";
import { Session, type Standing } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

function App() {
  const [access, setAccess] = useState<Access | null>(recallAccess);
  const [problem, setProblem] = useState("");
  const signOut = useCallback((why: string) => {
    forgetAccess();
    setProblem(why);
    setAccess(null);
  }, []);
  if (access === null) {
    const signIn = (text: string, key: string): void => {
      try {
        const next = accessOf(text, key);
        keepAccess(next);
        setProblem("");
        setAccess(next);
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      }
    };
    return <SignIn problem={problem} onToken={signIn} />;
  }
  return <Desk access={access} onRefused={signOut} onLeave={() => signOut("")} />;
}

interface DeskProps {
  readonly access: Access;
  readonly onRefused: (why: string) => void;
  readonly onLeave: () => void;
}

/** The keys that were given (`undefined` until they are read: nothing may travel unsealed before), and what is wrong with them. */
function useKeyring(text: string | null): [keyring: Keyring | null | undefined, problem: string] {
  const [state, setState] = useState<[Keyring | null | undefined, string]>([undefined, ""]);
  useEffect(() => {
    Keyring.parse(text ?? "").then(
      (keyring) => setState([keyring, ""]),
      (error: Error) => setState([undefined, error.message]),
    );
  }, [text]);
  return state;
}

function Desk({ access, onRefused, onLeave }: DeskProps) {
  const [standing, setStanding] = useState<Standing>({ name: "connecting" });
  const [chosen, setChosen] = useState<string | null>(access.pipe);
  const connect = useCallback(
    (onStanding: (standing: Standing) => void = () => {}) =>
      new Session(location.origin, access.token, onStanding),
    [access],
  );
  const session = useMemo(() => connect(setStanding), [connect]);
  useEffect(() => () => session.close(), [session]);
  useEffect(() => {
    if (standing.name === "refused") onRefused(whyRefused(access, standing.code, standing.message));
  }, [standing]);
  const mayList = access.pipe === null;
  const [keyring, keyProblem] = useKeyring(access.key);
  const pipes = usePipes(session, mayList && standing.name === "ready");

  return (
    <div class={chosen === null ? "desk" : "desk chosen"}>
      <header>
        <h1>skypipe</h1>
        <span class="host">{location.host}</span>
        <span role="status" class={`standing ${standing.name}`}>
          {STANDINGS[standing.name]}
        </span>
        <button type="button" onClick={onLeave}>
          Sign out
        </button>
      </header>
      <p role="alert" class="bad">
        {keyProblem}
      </p>
      <main>
        {mayList && <PipeList pipes={pipes} chosen={chosen} onChoose={setChosen} />}
        {chosen !== null && keyring !== undefined && (
          <PipePanel
            key={chosen}
            session={session}
            connect={connect}
            access={access}
            keyring={keyring}
            pipe={chosen}
            onClose={mayList ? () => setChosen(null) : null}
          />
        )}
      </main>
    </div>
  );
}

const STANDINGS = {
  connecting: "connecting …",
  ready: "connected",
  away: "connection lost, trying again …",
  refused: "refused",
} as const;

/** Who opens the page without a token is asked for one, and not told off. */
function whyRefused(access: Access, code: string, message: string): string {
  return access.token === "" && code === "unauthorized" ? "" : message;
}

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
