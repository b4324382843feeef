/** How somebody gets in: with a token, or a link that somebody else made. */
import { useState } from "preact/hooks";

export interface SignInProps {
  /** Why the last attempt failed. */
  readonly problem: string;
  /** `key` may be empty: then nothing is sealed, and nothing sealed can be opened. */
  readonly onToken: (token: string, key: string) => void;
}

export function SignIn({ problem, onToken }: SignInProps) {
  const [token, setToken] = useState("");
  const [key, setKey] = useState("");
  return (
    <main class="sign-in">
      <h1>skypipe</h1>
      <p>This is a satellite: it carries the pipes of the people who have its token or a link.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onToken(token.trim(), key.trim());
        }}
      >
        <label for="token">Token or link</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          aria-describedby="problem"
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
        <label for="key">Key, as skypipe keys export prints it, for what is sealed</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          value={key}
          onInput={({ currentTarget }) => setKey(currentTarget.value)}
        />
        <button type="submit">Sign in</button>
        <p id="problem" role="alert" class="bad">
          {problem}
        </p>
      </form>
    </main>
  );
}
