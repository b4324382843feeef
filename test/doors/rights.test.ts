/** What tokens allow: every request by every kind of token, on its own pipe and on another one, over both doors. */
import { describe, expect, it } from "vitest";
import type { EndMessage } from "../../satellite/wire/messages.ts";
import { allows, type Guarded, type Right, sufficient } from "../../satellite/wire/rights.ts";
import { bearer, RawEnd } from "../support/raw-end.ts";
import { ask } from "./ask.ts";
import { useSatellite } from "./use-satellite.ts";

const OWN = "own/pipe";
const OTHER = "other";
const holders = ["root", "read", "write", "both", "once"] as const;
type Holder = (typeof holders)[number];

/** What is asked, about a pipe. */
const requests: Readonly<Record<string, (pipe: string) => EndMessage>> = {
  open: (pipe) => ({ type: "open", ref: 9, pipe }),
  "read plain": (pipe) => ({ type: "read", ref: 9, pipe, mode: "plain" }),
  "read follow": (pipe) => ({ type: "read", ref: 9, pipe, mode: "follow" }),
  "read one": (pipe) => ({ type: "read", ref: 9, pipe, mode: "one" }),
  "read tap": (pipe) => ({ type: "read", ref: 9, pipe, mode: "tap" }),
  "read peek": (pipe) => ({ type: "read", ref: 9, pipe, mode: "peek" }),
  list: () => ({ type: "list", ref: 9 }),
  remove: (pipe) => ({ type: "remove", ref: 9, pipe }),
  inspect: () => ({ type: "inspect", ref: 9 }),
  share: (pipe) => ({ type: "share", ref: 9, id: "made", pipe, right: "read" }),
  shares: () => ({ type: "shares", ref: 9 }),
  unshare: () => ({ type: "unshare", ref: 9, id: "target" }),
};

/** The table of A-8, written out once more: what is not here is forbidden. */
const allowed: Readonly<Record<Holder, { own: string[]; other: string[] }>> = {
  root: { own: Object.keys(requests), other: Object.keys(requests) },
  read: { own: [...modes(), "list"], other: ["list"] },
  write: { own: ["open"], other: [] },
  both: { own: ["open", ...modes(), "list"], other: ["list"] },
  once: { own: [...modes(), "list"], other: ["list"] },
};

function modes(): string[] {
  return ["plain", "follow", "one", "tap", "peek"].map((mode) => `read ${mode}`);
}

const cases = holders.flatMap((holder) =>
  (["own", "other"] as const).flatMap((whose) =>
    Object.keys(requests).map((request) => ({ holder, whose, request })),
  ),
);

/** A satellite with something in both pipes, and a token of each kind. */
async function start(): Promise<{ url: string; tokens: Record<Holder, string> }> {
  const { url } = await useSatellite({ token: "root" });
  const root = await RawEnd.greet(url, "root");
  for (const pipe of [OWN, OTHER]) {
    const writer = await root.open(pipe);
    writer.finish("x\n");
    await writer.untilEndSafe();
  }
  await root.share("elsewhere", { id: "target" });
  const tokenFor = async (right: Right, once = false): Promise<string> =>
    (await root.share(OWN, { right, once })).token;
  const tokens = {
    root: "root",
    read: await tokenFor("read"),
    write: await tokenFor("write"),
    both: await tokenFor("both"),
    once: await tokenFor("read", true),
  };
  return { url, tokens };
}

describe("[C-5] [A-8] the matrix of rights", () => {
  it.each(cases)("[C-5] [A-8] $holder asks to $request, $whose pipe", async ({ holder, whose, request }) => {
    const { url, tokens } = await start();
    const end = await RawEnd.greet(url, tokens[holder]);
    const message = requests[request]?.(whose === "own" ? OWN : OTHER);
    if (message === undefined) throw new Error(`no such request: ${request}`);
    end.send(message);
    const isAllowed = allowed[holder][whose].includes(request);
    const answer = await end.nextOf(9);
    const outcome = answer.type === "error" ? answer.code : "allowed";
    expect(outcome).toBe(isAllowed ? "allowed" : "forbidden");
    end.send({ type: "inspect", ref: 10 });
    expect(await end.nextOf(10)).toBeDefined(); // the session goes on
    await end.close();
  });

  it("[A-8] says the same as the table of rights.ts", () => {
    for (const request of Object.keys(sufficient) as Guarded[]) {
      for (const right of ["read", "write", "both"] as const) {
        const rights = { scope: { share: "s", pipe: OWN, right, once: false } };
        const named = Object.keys(requests).find((name) => name.split(" ")[0] === request) ?? "";
        expect(allows(rights, request, OWN)).toBe(allowed[right].own.includes(named));
        expect(allows(rights, request, OTHER)).toBe(false);
      }
    }
  });

  it("[A-8] [C-6] lists the share's own pipe only", async () => {
    const { url, tokens } = await start();
    const end = await RawEnd.greet(url, tokens.read);
    expect((await end.list()).map(({ name }) => name)).toEqual([OWN]);
    await end.close();
  });

  it("[C-5] [A-8] answers GET /p by the same table", async () => {
    const { url, tokens } = await start();
    const status = async (token: string): Promise<[number, string]> => {
      const answered = await ask(url, "/p", { headers: bearer(token) });
      return [answered.status, answered.body];
    };
    expect((await status(tokens.root))[0]).toBe(200);
    expect(JSON.parse((await status(tokens.read))[1])).toMatchObject([{ name: OWN }]);
    expect((await status(tokens.write))[0]).toBe(403);
    expect((await status("none"))[0]).toBe(401);
    expect(await ask(url, "/p")).toMatchObject({ status: 401 });
  });

  it("[S-2] checks rights again on a resume, and ends what they do not allow any more", async () => {
    const { url, tokens } = await start();
    const end = await RawEnd.greet(url, tokens.root);
    const reader = await end.read(OWN);
    const writer = await end.open("elsewhere");
    const { welcome } = await end.resume({ token: tokens.read });
    expect(welcome.resumed).toBe(true);
    expect(await end.next("error")).toMatchObject({ ref: writer.ref, code: "forbidden" });
    expect(end.has("error", { ref: reader.ref })).toBe(false);
    await end.close();
  });
});
