/** The page: who is signed in, which pipe is looked at, and what is done with it. */
import { render } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { type Access, accessOf, forgetAccess, keepAccess, recallAccess } from "./access.ts";
import { PipeList } from "./pipe-list.tsx";
import { PipePanel } from "./pipe-panel.tsx";
import { usePipes } from "./pipes.ts";
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
    const signIn = (text: string): void => {
      try {
        const next = accessOf(text);
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
  const maysList = access.pipe === null;
  const pipes = usePipes(session, maysList && standing.name === "ready");

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
      <main>
        {maysList && <PipeList pipes={pipes} chosen={chosen} onChoose={setChosen} />}
        {chosen !== null && (
          <PipePanel
            key={chosen}
            session={session}
            connect={connect}
            access={access}
            pipe={chosen}
            onClose={maysList ? () => setChosen(null) : null}
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
