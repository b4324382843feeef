/** What is asked of shares, and who may come and attach by one. */
import { WireError } from "../wire/errors.ts";
import type { Hello, ShareRequest, ShareRow } from "../wire/messages.ts";
import type { Rights, Terms } from "../wire/rights.ts";
import { checkLimit, checkName } from "./checks.ts";
import type { Pipe } from "./pipe.ts";
import type { Desk } from "./requests.ts";
import type { Session } from "./session.ts";
import { Share } from "./shares.ts";

/** How many shares one `sharing` holds [C-6]. */
const PART = 100;
/** Longer than anything that is meant, and short enough for every date. */
const LIFE_MS_MAX = 100 * 366 * 86_400_000;

/** Makes a share, or tells again of the one that was made. Its token is signed outside. */
export function share(desk: Desk, session: Session, request: ShareRequest): void {
  const { ctx, shares, options } = desk;
  if (!options.canShare) {
    throw new WireError(
      "usage",
      "this satellite has no token, so that everybody who reaches it may do everything: give it one, with --token-file",
    );
  }
  checkName(request.pipe);
  if (!/^[\w-]+$/.test(request.id)) {
    throw new WireError("usage", "the id of a share is letters, digits, hyphens and underscores");
  }
  if ((request.lifeMs ?? 0) > LIFE_MS_MAX) {
    throw new WireError("usage", "a share lasts a hundred years at most: leave its end out, and it has none");
  }
  const known = shares.find(request.id);
  const made = known ?? new Share(termsOf(request, ctx.nowMs));
  if (known === undefined) {
    checkLimit(shares.count, ctx.limits.sharesMax, "shares on this satellite"); // [K-1]
    shares.add(ctx, made);
  } else if (!isSame(known.terms, request)) {
    throw new WireError("usage", "another share has this id");
  }
  if (session.connection === null) return;
  ctx.emit({
    type: "issue",
    connection: session.connection,
    ref: request.ref,
    terms: made.terms,
    lasting: options.recovered !== undefined,
  });
}

function termsOf({ id, pipe, right, once, lifeMs }: ShareRequest, nowMs: number): Terms {
  // A token tells seconds.
  const createdMs = Math.floor(nowMs / 1000) * 1000;
  const expiresMs = lifeMs === undefined ? null : createdMs + Math.ceil(lifeMs / 1000) * 1000;
  return { share: id, pipe, right, once: once ?? false, createdMs, expiresMs };
}

function isSame({ pipe, right, once, createdMs, expiresMs }: Terms, request: ShareRequest): boolean {
  const lifeMs = expiresMs === null ? undefined : expiresMs - createdMs;
  const askedMs = request.lifeMs === undefined ? undefined : Math.ceil(request.lifeMs / 1000) * 1000;
  return (
    pipe === request.pipe && right === request.right && once === (request.once ?? false) && lifeMs === askedMs
  );
}

export function listShares({ ctx, shares }: Desk, session: Session, ref: number): void {
  const rows: ShareRow[] = [];
  for (const each of shares.all()) rows.push(each.row());
  for (let i = 0; i === 0 || i < rows.length; i += PART) {
    const last = i + PART >= rows.length;
    session.send(ctx, { type: "sharing", ref, shares: rows.slice(i, i + PART), last });
  }
}

export function unshare({ ctx, shares }: Desk, session: Session, ref: number, id: string): Share {
  const known = shares.find(id);
  if (known === undefined)
    throw new WireError("not-found", "there is no such share: skypipe share --list shows them");
  shares.end(ctx, known);
  session.send(ctx, { type: "unshared", ref, id });
  return known;
}

/** Whether a `hello` may come by its share. Throws WireError `unauthorized` or `limit` [A-5] [A-7] [K-1]. */
export function admit({ ctx, shares, sessions }: Desk, hello: Hello, { scope }: Rights): void {
  if (scope === null) return;
  const known = shares.find(scope.share);
  if (known === undefined) throw new WireError("unauthorized", "this link was revoked, or has expired");
  const resumed = hello.resume === undefined ? undefined : sessions.resumable(hello.resume);
  if (known.usedBy !== null && known.usedBy !== resumed?.id) throw usedUp("unauthorized");
  if (resumed === undefined) {
    checkLimit(sessions.countOf(scope.share), ctx.limits.sessionsPerShareMax, "sessions by this link");
  }
}

/** Before anything is attached: a `once` share is used up by it. */
export function use({ ctx, shares }: Desk, session: Session, pipe: Pipe): void {
  const { scope } = session.rights;
  if (scope?.once !== true) return;
  const known = shares.find(scope.share);
  if (known === undefined || known.usedBy !== null) {
    ctx.emptied.add(pipe);
    throw usedUp("forbidden");
  }
  known.usedBy = session.id;
  ctx.notebook.note(known);
}

function usedUp(code: "unauthorized" | "forbidden"): WireError {
  return new WireError(code, "this link was for one use, and has been used");
}
