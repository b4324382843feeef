/** How somebody gets in: with a token, or a link that somebody else made. */
import { useState } from "preact/hooks";

export interface SignInProps {
  /** Why the last attempt failed. */
  readonly problem: string;
  readonly onToken: (token: string) => void;
}

export function SignIn({ problem, onToken }: SignInProps) {
  const [token, setToken] = useState("");
  return (
    <main class="sign-in">
      <h1>skypipe</h1>
      <p>This is a satellite: it carries the pipes of the people who have its token or a link.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onToken(token.trim());
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
        <button type="submit">Sign in</button>
        <p id="problem" role="alert" class="bad">
          {problem}
        </p>
      </form>
    </main>
  );
}
