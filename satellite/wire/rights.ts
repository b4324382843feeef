/** What tokens allow. Here because the keys, which find it out, and the law, which asks, both import only wire. */
import type { EndMessage } from "./messages.ts";

/** What a share allows on its pipe. */
export type Right = "read" | "write" | "both";

/** What a share token is good for. */
interface Scope {
  /** The share's id. */
  readonly share: string;
  readonly pipe: string;
  readonly right: Right;
  /** For one writer or one reader. */
  readonly once: boolean;
}

/** What a share was given out for, and what its token says. Times are milliseconds since the epoch, of whole seconds. */
export interface Terms extends Scope {
  readonly createdMs: number;
  /** `null`: it does not end by itself. */
  readonly expiresMs: number | null;
}

/** What a token allows. `scope` is `null` for the root token. */
export interface Rights {
  readonly scope: Scope | null;
}

export const ALL: Rights = { scope: null };

/** Requests that a token must allow. */
export type Guarded = Extract<
  EndMessage["type"],
  "open" | "read" | "list" | "remove" | "inspect" | "share" | "shares" | "unshare"
>;

/** The rights of a share that suffice for each request, on its own pipe. The root token suffices for all. */
export const sufficient: Readonly<Record<Guarded, readonly Right[]>> = {
  open: ["write", "both"],
  read: ["read", "both"],
  list: ["read", "both"],
  remove: [],
  inspect: [],
  share: [],
  shares: [],
  unshare: [],
};

/** Whether a request about `pipe` is allowed (`null`: about what may be read at all). */
export function allows({ scope }: Rights, request: Guarded, pipe: string | null = null): boolean {
  if (scope === null) return true;
  return sufficient[request].includes(scope.right) && (pipe === null || pipe === scope.pipe);
}
